import { firstDay, type Period, periodOfDay, Refusal } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";

/** When earnings become payable: at close, or so many days after the customer has paid the month's invoice. */
export interface ReleaseRule {
  from: Period;
  rule: "at_close" | "on_payment";
  hold_days: number;
}

/** Every rule that was set, the latest first; before the first one, and without any, it is at close. */
export async function releaseRules(sql: Sql): Promise<ReleaseRule[]> {
  const rows = await sql<(Omit<ReleaseRule, "from"> & { from: string })[]>`
    SELECT from_period::text AS from, rule, hold_days FROM release_rule ORDER BY from_period DESC`;
  return rows.map((row) => ({ ...row, from: periodOfDay(row.from) }));
}

/** Holds for books periods from `from` on, which must be open. @throws Refusal period_closed */
export async function setReleaseRule(
  sql: Sql,
  { from, rule, hold_days }: ReleaseRule,
  by: string,
): Promise<void> {
  try {
    await sql`SELECT set_release_rule(${firstDay(from)}, ${rule}, ${hold_days}, ${by})`;
  } catch (error) {
    const refused = refusedByDatabase(error);
    if (refused?.code !== "period_closed") throw error;
    throw new Refusal(
      "period_closed",
      `${from} is closed, and its earnings are where its rule put them: set the rule from ${refused.detail.open} on`,
    );
  }
}

const INVOICES_PER_CALL = 100;

/** Releases what is held for paid invoices whose days are over. Safe to repeat, and beside itself. */
export async function releaseHeld(sql: Sql): Promise<number> {
  for (let released = 0; ; ) {
    const [row] = await sql<
      [{ released: number }]
    >`SELECT release_held(NULL, ${INVOICES_PER_CALL}) AS released`;
    released += row.released;
    if (row.released < INVOICES_PER_CALL) return released;
  }
}
