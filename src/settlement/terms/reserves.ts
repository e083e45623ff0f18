import { firstDay, type Period, periodOfDay, Refusal } from "../../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../../postgres/index.ts";
import { requirePayee } from "../brakes.ts";

/** The row of rules and terms that holds for whoever has none of its own. */
export const EVERYBODY = "*";

/** What is held back of what becomes payable, and for how long after that. */
export interface ReserveRule {
  from: Period;
  /** Without one it is the rule of all payees that have none of their own. */
  payee: string | null;
  /** Hundredths of a per cent; null ends the rule before. */
  basisPoints: number | null;
  days: number | null;
}

/** Every rule that was set, the latest first. */
export async function reserveRules(sql: Sql): Promise<ReserveRule[]> {
  const rows = await sql<{ from: string; payee: string; basisPoints: number | null; days: number | null }[]>`
    SELECT from_period::text AS from, payee, basis_points AS "basisPoints", days FROM reserve_rule
    ORDER BY from_period DESC, payee`;
  return rows.map((row) => ({
    ...row,
    from: periodOfDay(row.from),
    payee: row.payee === EVERYBODY ? null : row.payee,
  }));
}

/** Holds for books periods from `from` on, which must be open. @throws Refusal period_closed, not_found */
export async function setReserveRule(sql: Sql, rule: ReserveRule, by: string): Promise<void> {
  const { from, payee, basisPoints, days } = rule;
  if (payee !== null) await requirePayee(sql, payee);
  try {
    await sql`SELECT set_reserve_rule(${payee ?? EVERYBODY}, ${firstDay(from)}, ${basisPoints}, ${days}, ${by})`;
  } catch (error) {
    const refused = refusedByDatabase(error);
    if (refused?.code !== "period_closed") throw error;
    throw new Refusal(
      "period_closed",
      `${from} is closed, and its reserves are what its rule made them: set the rule from ${refused.detail.open} on`,
    );
  }
}

const RESERVES_PER_CALL = 1_000;

/** What is due becomes payable. Safe to repeat, and beside itself. */
export async function releaseReserves(sql: Sql): Promise<number> {
  for (let released = 0; ; ) {
    const [row] = await sql<
      [{ released: number }]
    >`SELECT release_reserves(${RESERVES_PER_CALL}) AS released`;
    released += row.released;
    if (row.released < RESERVES_PER_CALL) return released;
  }
}
