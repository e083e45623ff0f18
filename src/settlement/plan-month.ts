import { canonicalJson, firstDay, type Nanos, type Period, Refusal } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";
import {
  type Candidate,
  planSettlement,
  type SettlementPlan,
  settlementPlanHash,
} from "./plan-settlement.ts";

export interface AccountReadiness {
  transfersEnabled: boolean;
  disabledReason: string | null;
}

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

  const plan = planSettlement(period, await readCandidates(sql, options.readiness), options.totalLimits);
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

async function readCandidates(sql: Sql, readiness: PlanOptions["readiness"]): Promise<Candidate[]> {
  const balances = await sql<
    {
      payee: string;
      currency: string;
      payable: string;
      committed: string;
      minimum: string;
      frozen: string | null;
      last_paid: string | null;
      account: string | null;
    }[]
  >`
    SELECT a.owner AS payee, b.currency, (-b.balance_nanos)::text AS payable, p.stripe_account AS account,
      minimum_payout_of(p.id, b.currency)::text AS minimum,
      (SELECT f.reason FROM payee_freeze f WHERE f.payee = p.id AND f.lifted_at IS NULL) AS frozen,
      (SELECT o.amount_nanos::text FROM payout o WHERE o.payee = p.id AND o.currency = b.currency AND o.state = 'paid'
       ORDER BY o.period DESC LIMIT 1) AS last_paid,
      (SELECT coalesce(sum(o.amount_nanos), 0)::text FROM payout o
       WHERE o.payee = a.owner AND o.currency = b.currency AND o.state = 'approved') AS committed
    FROM account_balance b JOIN ledger_account a USING (account_no) JOIN payee p ON p.id = a.owner
    WHERE a.kind = 'payee:payable' AND b.balance_nanos <> 0`;
  const accounts = [...new Set(balances.flatMap((row) => row.account ?? []))];
  const ready = await readiness(accounts);
  return balances.map((row) => ({
    payee: row.payee,
    currency: row.currency,
    payableNanos: BigInt(row.payable),
    committedNanos: BigInt(row.committed),
    minimumNanos: BigInt(row.minimum),
    frozen: row.frozen,
    lastPaidNanos: row.last_paid === null ? null : BigInt(row.last_paid),
    account: row.account,
    transfersEnabled: row.account !== null && (ready.get(row.account)?.transfersEnabled ?? false),
    disabledReason: row.account === null ? null : (ready.get(row.account)?.disabledReason ?? null),
  }));
}
