import { type MeteringStatus, meteringStatus } from "../../metering/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { listSettlements } from "../../settlement/index.ts";
import { type Balance, balancesOf } from "../../statements/index.ts";
import type { UsageLog } from "../../usage/index.ts";
import type { Audience } from "./live-feed.ts";
import type { Run } from "./run-board.ts";

export interface LiveFigures {
  as_of: string;
  /** A payee's; null for operators. */
  balances: Balance[] | null;
  /** Operators'; null for payees. */
  metering: MeteringStatus | null;
  settlements: { period: string; state: string; payouts: Record<string, number> }[] | null;
  run: Run | null;
}

const SETTLEMENTS_SHOWN = 3;

export async function liveFigures(
  sql: Sql,
  log: UsageLog,
  audience: Audience,
  run: Run | null,
): Promise<LiveFigures> {
  const as_of = new Date().toISOString();
  if (audience !== null)
    return { as_of, balances: await balancesOf(sql, audience), metering: null, settlements: null, run: null };
  const metering = await meteringStatus(sql, log);
  return { as_of, balances: null, metering, settlements: await settlementStates(sql), run };
}

async function settlementStates(sql: Sql): Promise<LiveFigures["settlements"]> {
  const settlements = await listSettlements(sql, SETTLEMENTS_SHOWN);
  const periods = settlements.map(({ period }) => `${period}-01`);
  const rows = await sql<{ period: string; state: string; count: number }[]>`
    SELECT to_char(period, 'YYYY-MM') AS period, state, count(*)::int AS count FROM payout
    WHERE period = ANY (${periods}::date[]) GROUP BY 1, 2`;
  return settlements.map(({ period, state }) => {
    const own = rows.filter((row) => row.period === period);
    return { period, state, payouts: Object.fromEntries(own.map((row) => [row.state, row.count])) };
  });
}

/** Another text whenever usage was metered, or the books, a settlement or a payout moved. Cheap to ask for. */
export async function booksMark(sql: Sql): Promise<string> {
  const [row] = await sql<[{ mark: string }]>`
    SELECT concat_ws(' ', (SELECT sum(next_offset) FROM metering_cursor), (SELECT max(entry_no) FROM journal_entry),
      (SELECT max(updated_at) FROM payout), (SELECT count(*) FROM dead_letter),
      (SELECT string_agg(state || coalesce(plan_hash, ''), ',' ORDER BY period DESC) FROM settlement
       WHERE period > now() - interval '100 years'),
      (SELECT count(*) FROM payee_freeze WHERE lifted_at IS NULL), (SELECT count(*) FROM payout_stop WHERE resumed_at IS NULL)) AS mark`;
  return row.mark;
}
