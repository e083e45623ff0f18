import { firstDay, type Period, Refusal } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";

export interface PlanToWithdraw {
  hash: string;
  by: string;
  /** Whether `by` could approve it; otherwise only its maker takes it back. */
  isApprover: boolean;
  reason: string;
}

/**
 * Takes back the plan with this hash before it is approved: the month has none then, until one is made anew.
 * @throws Refusal plan_missing, plan_changed, proposal_closed, duty_not_allowed
 */
export async function withdrawPlan(
  sql: Sql,
  period: Period,
  { hash, by, isApprover, reason }: PlanToWithdraw,
): Promise<void> {
  try {
    await sql`SELECT withdraw_plan(${firstDay(period)}, ${hash}, ${by}, ${isApprover}, ${reason})`;
  } catch (error) {
    const refused = refusedByDatabase(error);
    throw refused === undefined ? error : (refusalOf(period, refused) ?? error);
  }
}

function refusalOf(
  period: Period,
  { code, detail }: { code: string; detail: Record<string, string> },
): Refusal | undefined {
  if (code === "plan_missing") return new Refusal("plan_missing", `${period} has no plan to withdraw`);
  if (code === "plan_changed")
    return new Refusal(
      "plan_changed",
      `the plan of ${period} is another one by now (hash ${detail.hash}): look at it before you withdraw it`,
    );
  if (code === "plan_approved")
    return new Refusal(
      "proposal_closed",
      `the plan of ${period} is approved: freeze payees or stop payouts to keep money where it is`,
    );
  if (code === "not_its_maker")
    return new Refusal(
      "duty_not_allowed",
      "a plan is withdrawn by who made it or by somebody who is approver: ask one of them",
    );
  return undefined;
}
