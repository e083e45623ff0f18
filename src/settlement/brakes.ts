import { type Nanos, Refusal } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";

/** What an operator pulls to keep money where it is. Each is kept as history, with who and why. */

/** No payout begins from now on, whoever runs; what Stripe was asked for already cannot be called back. */
export async function stopPayouts(sql: Sql, reason: string, by: string): Promise<void> {
  await sql`SELECT stop_payouts(${reason}, ${by})`;
}

export async function resumePayouts(sql: Sql, by: string): Promise<void> {
  await sql`SELECT resume_payouts(${by})`;
}

export interface PayoutStop {
  reason: string;
  stoppedBy: string;
  stoppedAt: Date;
}

/** The stop that holds now. */
export async function payoutStop(sql: Sql): Promise<PayoutStop | undefined> {
  const [stop] = await sql<PayoutStop[]>`
    SELECT reason, stopped_by AS "stoppedBy", stopped_at AS "stoppedAt" FROM payout_stop WHERE resumed_at IS NULL`;
  return stop;
}

/** The payee is not planned, and what is approved for it is not sent, until it is lifted. @throws Refusal payee_unknown */
export async function freezePayee(sql: Sql, payee: string, reason: string, by: string): Promise<void> {
  await requirePayee(sql, payee);
  await sql`SELECT freeze_payee(${payee}, ${reason}, ${by})`;
}

export async function unfreezePayee(sql: Sql, payee: string, by: string): Promise<void> {
  await requirePayee(sql, payee);
  await sql`SELECT unfreeze_payee(${payee}, ${by})`;
}

/** The least that the payee is paid at once in this currency, from the next plan on. @throws Refusal payee_unknown */
export async function setMinimumPayout(
  sql: Sql,
  { payee, currency, minimum, by }: { payee: string; currency: string; minimum: Nanos; by: string },
): Promise<void> {
  await requirePayee(sql, payee);
  await sql`
    INSERT INTO payout_minimum (payee, currency, minimum_nanos, set_by)
    VALUES (${payee}, ${currency}, ${minimum.toString()}, ${by})
    ON CONFLICT (payee, currency) DO UPDATE SET minimum_nanos = excluded.minimum_nanos, set_by = excluded.set_by,
      set_at = clock_timestamp()`;
}

/** @throws Refusal not_found */
export async function requirePayee(sql: Sql, payee: string): Promise<void> {
  const rows = await sql`SELECT FROM payee WHERE id = ${payee}`;
  if (rows.length === 0) throw new Refusal("not_found", `there is no payee ${payee}`);
}
