import { canonicalJson, firstDay, type Nanos, type Period, Refusal } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";
import { planSettlement, type SettlementPlan, settlementPlanHash } from "./plan/plan-settlement.ts";
import { type AccountReadiness, readCandidates, readRates } from "./plan/read-candidates.ts";
import { releaseReserves } from "./terms/reserves.ts";

export interface PlanOptions {
  by: string;
  /** Two-person approval: whoever makes the plan cannot approve it. */
  twoPerson: boolean;
  /** What the payout provider says of these accounts. */
  readiness: (accounts: string[]) => Promise<Map<string, AccountReadiness>>;
  dryRun?: boolean;
  /** By currency: a total above it must be confirmed. */
  totalLimits?: ReadonlyMap<string, Nanos>;
}

/**
 * Plans the payouts of a closed period. Planning again replaces a plan that is not approved yet, and answers the
 * approved one unchanged.
 * @throws Refusal period_not_closed
 */
export async function planMonth(
  sql: Sql,
  period: Period,
  options: PlanOptions,
): Promise<{ plan: SettlementPlan; hash: string }> {
  const [settled] = await sql<{ state: string; plan: SettlementPlan; plan_hash: string }[]>`
    SELECT state, plan, plan_hash FROM settlement WHERE period = ${firstDay(period)}`;
  if (settled?.state === "approved") return { plan: settled.plan, hash: settled.plan_hash };
  if (!options.dryRun && (settled === undefined || ["closing", "released"].includes(settled.state)))
    throw notClosed(period);

  // What is due since the service last looked is paid with this plan, not with the next one.
  if (!options.dryRun) await releaseReserves(sql);
  const candidates = await readCandidates(sql, period, options.readiness);
  const rates = await readRates(sql, period, candidates);
  const plan = planSettlement(period, candidates, options.totalLimits, rates);
  const hash = settlementPlanHash(plan);
  if (options.dryRun) return { plan, hash };
  try {
    await sql`SELECT record_plan(${firstDay(period)}, ${canonicalJson(plan)}::text::jsonb, ${hash}, ${options.by}, ${options.twoPerson})`;
  } catch (error) {
    throw refusedByDatabase(error)?.code === "period_not_closed" ? notClosed(period) : error;
  }
  return { plan, hash };
}

function notClosed(period: Period): Refusal {
  return new Refusal("period_not_closed", `${period} is not closed yet: close it first`);
}
