import { firstDay, type Money, money, type Period, periodOfDay, Refusal } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";

/** Whether a linked customer's usage is paid out of its payee's earnings, from a books period on. Without a rule, it is. */
export interface NettingRule {
  from: Period;
  nets: boolean;
}

/** Every rule that was set for a customer, the latest first. */
export async function nettingRules(sql: Sql, customer: string): Promise<NettingRule[]> {
  const rows = await sql<{ from: string; nets: boolean }[]>`
    SELECT from_period::text AS from, nets FROM netting_rule WHERE customer = ${customer} ORDER BY from_period DESC`;
  return rows.map(({ from, nets }) => ({ from: periodOfDay(from), nets }));
}

/** Holds for books periods from `from` on, which must be open. @throws Refusal period_closed */
export async function setNettingRule(
  sql: Sql,
  customer: string,
  { from, nets }: NettingRule,
  by: string,
): Promise<void> {
  try {
    await sql`SELECT set_netting_rule(${customer}, ${firstDay(from)}, ${nets}, ${by})`;
  } catch (error) {
    const refused = refusedByDatabase(error);
    if (refused?.code !== "period_closed") throw error;
    throw new Refusal(
      "period_closed",
      `${from} is closed, and what it netted stands: set the rule from ${refused.detail.open} on`,
    );
  }
}

/** What close paid of a customer's bill out of the earnings of the payee it is linked to. */
export interface Netting {
  period: Period;
  customer: string;
  payee: string;
  currency: string;
  /** What it used while it was linked to this payee. */
  owed: Money;
  netted: Money;
  /** Left to the customer's invoice: the payee had not earned as much, or it is held. */
  left: Money;
}

export interface NettingFilter {
  payee: string;
  limit: number;
  /** The period, customer and currency of the last one already seen, with spaces between. */
  after?: string;
}

/** A payee's nettings, the latest month first. */
export async function listNettings(sql: Sql, { payee, limit, after }: NettingFilter): Promise<Netting[]> {
  const [period = "9999-12", customer = "", currency = ""] = after?.split(" ") ?? [];
  const rows = await sql<
    { period: string; customer: string; payee: string; currency: string; owed: string; netted: string }[]
  >`
    SELECT period::text, customer, payee, currency, owed_nanos::text AS owed, amount_nanos::text AS netted FROM netting
    WHERE payee = ${payee} AND (period < ${`${period}-01`}::date
      OR (period = ${`${period}-01`}::date AND (customer, currency) > (${customer}, ${currency})))
    ORDER BY netting.period DESC, customer, currency LIMIT ${limit}`;
  return rows.map(({ owed, netted, ...row }) => ({
    ...row,
    period: periodOfDay(row.period),
    owed: money(row.currency, BigInt(owed)),
    netted: money(row.currency, BigInt(netted)),
    left: money(row.currency, BigInt(owed) - BigInt(netted)),
  }));
}
