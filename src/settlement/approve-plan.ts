import { firstDay, type Period, Refusal } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";

/**
 * Approves the plan with this hash, and no other. Approving it again changes nothing.
 * @param confirmed the codes of the plan's warnings that somebody has looked at.
 * @throws Refusal plan_missing, plan_changed, plan_needs_confirmation approver_made_plan, approver_set_account or plan_outdated
 */
export async function approvePlan(
  sql: Sql,
  period: Period,
  hash: string,
  by: string,
  confirmed: readonly string[] = [],
): Promise<void> {
  try {
    await sql`SELECT approve_plan(${firstDay(period)}, ${hash}, ${by}, ${[...confirmed]}::text[])`;
  } catch (error) {
    const refused = refusedByDatabase(error);
    if (refused?.code === "plan_missing")
      throw new Refusal("plan_missing", `${period} has no plan yet: plan it first`);
    if (refused?.code === "plan_changed") {
      throw new Refusal(
        "plan_changed",
        `the plan of ${period} is another one by now (hash ${refused.detail.hash}): look at it and approve that`,
      );
    }
    if (refused?.code === "plan_needs_confirmation") {
      throw new Refusal(
        "plan_needs_confirmation",
        `the plan of ${period} has warnings: look at them, then approve with confirm ${refused.detail.codes}`,
      );
    }
    if (refused?.code === "plan_outdated") {
      throw new Refusal(
        "plan_outdated",
        `the balance or the account of ${refused.detail.payee}, or the rate it is converted at, is not what the plan of ${period} says: plan again and look at what changed`,
      );
    }
    if (refused?.code === "approver_made_plan") {
      throw new Refusal(
        "approver_made_plan",
        `${by} made this plan, or a key of the same person did; another person must approve it`,
      );
    }
    if (refused?.code === "approver_set_account") {
      throw new Refusal(
        "approver_set_account",
        `${by} set the account that ${refused.detail.payee} would be paid to, or a key of the same person did, or it is not known who set it; another person must approve this plan`,
      );
    }
    throw error;
  }
}
