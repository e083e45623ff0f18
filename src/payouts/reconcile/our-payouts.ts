import { firstDay, type Nanos, type Period } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";

export interface OurPayout {
  id: string;
  period: string;
  payee: string;
  currency: string;
  amountNanos: Nanos;
  account: string;
  state: string;
  transferId: string | null;
  /** The idempotency keys of its attempts: our transfers carry theirs in their metadata. */
  keys: string[];
  /** What the ledger says left for good with this payout, reversals booked since not counted. */
  ledgerNanos: Nanos;
  /** Reversals that an operator has booked, by the provider's id. */
  booked: { reversal: string; amountNanos: Nanos }[];
}

interface Row {
  id: string;
  period: string;
  payee: string;
  currency: string;
  amount: string;
  account: string;
  state: string;
  transferId: string | null;
  keys: string[];
  ledger: string;
  booked: { reversal: string; amount: string }[];
}

export async function ourPayouts(sql: Sql, period: Period): Promise<OurPayout[]> {
  const rows = await sql<Row[]>`
    WITH gone AS (
      SELECT e.detail->>'payout' AS id, -sum(p.amount_nanos) AS nanos
      FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
      WHERE e.kind = 'payout_paid' AND e.period >= ${firstDay(period)} AND a.path = 'stripe:clearing' GROUP BY 1
    ), tried AS (
      SELECT payout_id AS id, array_agg(idempotency_key ORDER BY attempt) AS keys FROM payout_attempt GROUP BY 1
    ), booked AS (
      SELECT payout_id AS id, jsonb_agg(jsonb_build_object('reversal', reversal_id, 'amount', amount_nanos::text)) AS list
      FROM payout_reversal GROUP BY 1
    )
    SELECT o.id, to_char(o.period, 'YYYY-MM') AS period, o.payee, o.currency, o.amount_nanos::text AS amount,
      o.account, o.state, o.transfer_id AS "transferId", coalesce(t.keys, '{}') AS keys,
      coalesce(g.nanos, 0)::text AS ledger, coalesce(b.list, '[]') AS booked
    FROM payout o LEFT JOIN gone g USING (id) LEFT JOIN tried t USING (id) LEFT JOIN booked b USING (id)
    WHERE o.period = ${firstDay(period)} ORDER BY o.id`;
  return rows.map(({ amount, ledger, booked, ...row }) => ({
    ...row,
    amountNanos: BigInt(amount),
    ledgerNanos: BigInt(ledger),
    booked: booked.map((one) => ({ reversal: one.reversal, amountNanos: BigInt(one.amount) })),
  }));
}

/** Those of these payouts that belong to other periods: their own reconciliation looks at them. */
export async function payoutsOfOtherPeriods(sql: Sql, period: Period, ids: string[]): Promise<Set<string>> {
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM payout WHERE id = ANY (${ids}) AND period <> ${firstDay(period)}`;
  return new Set(rows.map(({ id }) => id));
}

/** How far the provider's clock may stand behind ours. */
const CLOCK_MARGIN_MS = 3_600_000;

/**
 * From the cut of this period on its payouts can have been made; from the next one's cut on others are. In whole
 * seconds, as the provider tells time. `since`: where reading begins.
 */
export async function payingTime(
  sql: Sql,
  period: Period,
): Promise<{ from: Date; until: Date | null; since: Date }> {
  const [row] = await sql<[{ from: Date | null; until: Date | null; first: boolean | null }]>`
    SELECT date_trunc('second', min(cut_at) FILTER (WHERE period = ${firstDay(period)})) AS from,
           date_trunc('second', min(cut_at) FILTER (WHERE period > ${firstDay(period)})) AS until,
           min(period) = ${firstDay(period)} AS first FROM settlement`;
  const cut = row.from ?? new Date();
  const since = new Date(cut.getTime() - CLOCK_MARGIN_MS);
  // What is older than the first period's cut would otherwise be nobody's.
  return { from: row.first === true ? since : cut, until: row.until, since };
}
