import {
  formatNanos,
  invalidField,
  NANOS_PER_UNIT,
  type Nanos,
  Refusal,
  rational,
} from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { byPayee, planAsJson } from "../lines/plan-adjustment.ts";
import { planAndPost, untilUnraced } from "../lines/post-adjustment.ts";
import { disputesAndLosses, toldState } from "../queries.ts";
import { planRefund } from "../refunds/plan-refund.ts";
import { planProviderFee } from "../refunds/provider-fee.ts";
import { bearerOf } from "../refunds/refund-policy.ts";

export interface NewDispute {
  /** The provider's or the operator's name for it. */
  id: string;
  invoice: string;
  amountNanos: Nanos;
  reason: string;
  by: string;
}

/**
 * A customer takes a payment back through its bank: what a refund of it would take is held, of each payee, until it is
 * decided. What was refunded before is not held once more, and what was not paid, or is disputed already, is refused. Repeated,
 * it changes nothing. Answers its state.
 * @throws Refusal not_found, refund_too_large, adjustment_differs
 */
export async function openDispute(sql: Sql, dispute: NewDispute): Promise<string> {
  const { id, invoice, amountNanos, reason, by } = dispute;
  if (amountNanos <= 0n) throw invalidField("amount", "a decimal amount of more than 0, such as 12.34");
  return untilUnraced(async () => {
    const asked = { invoice, amount: formatNanos(amountNanos) };
    const { plan, period } = await planRefund(sql, asked, {
      atMost: true,
      reserved: await disputedOtherwise(sql, invoice, id),
    });
    const shares = [...byPayee(plan)]
      .filter(([, nanos]) => nanos < 0n)
      .map(([payee, nanos]) => ({ payee, amount: (-nanos).toString() }));
    const { seen } = planAsJson(plan);
    const [row] = await sql<[{ state: string }]>`
      SELECT open_dispute(${JSON.stringify({ id, invoice, amount: amountNanos.toString(), reason, by, corrects: period, seen, shares })}::text::jsonb) AS state`;
    return row.state;
  });
}

/** What other open disputes hold of the same invoice already: each amount is held once. */
async function disputedOtherwise(sql: Sql, invoice: string, id: string) {
  const [row] = await sql<[{ nanos: string }]>`
    SELECT coalesce(sum(amount_nanos), 0)::text AS nanos FROM dispute
    WHERE invoice_id = ${invoice} AND state = 'open' AND id <> ${id}`;
  return rational(BigInt(row.nanos), NANOS_PER_UNIT);
}

/** The money stays: what was held is the payees' again. Answers the state, which stays once decided. @throws Refusal */
export async function winDispute(sql: Sql, id: string, by: string): Promise<string> {
  const { state } = await findDispute(sql, id);
  if (state === "lost")
    throw new Refusal("dispute_decided", `dispute ${id} is lost already: take its refund back instead`);
  await sql`SELECT decide_dispute(${id}, 'won', ${by})`;
  return "won";
}

/**
 * The customer has its money back: it becomes a refund of as much as was not refunded before, with the provider's fee
 * borne as the policy says. Where the provider told of neither the dispute nor its end, no more than what of the payment did not go
 * back by refunds meanwhile. One statement; repeated, it changes nothing. Answers the adjustment's id.
 * @throws Refusal not_found, dispute_decided
 */
export async function loseDispute(
  sql: Sql,
  { id, by, feeNanos = 0n }: { id: string; by: string; feeNanos?: Nanos },
): Promise<string> {
  const { invoice, nanos, reason, state } = await findDispute(sql, id);
  const reference = `dispute:${id}`;
  if (state === "won") throw new Refusal("dispute_decided", `dispute ${id} is won already`);
  const [known] = await sql<{ id: string }[]>`SELECT id FROM adjustment WHERE reference = ${reference}`;
  if (known !== undefined) return known.id;
  return planAndPost(sql, async () => {
    const asked = { invoice, amount: formatNanos(BigInt(nanos)), dispute: id };
    const [row] = await sql<[{ nanos: string | null }]>`SELECT money_lost(${id}, ${by})::text AS nanos`;
    const returned = row.nanos ?? "0";
    const most = rational(BigInt(returned), NANOS_PER_UNIT);
    const { plan, period, currency } = await planRefund(sql, asked, { atMost: true, most });
    return {
      kind: "dispute_lost",
      reference,
      reason,
      by,
      invoice,
      currency,
      corrects: period,
      asked: { ...asked, provider_fee: feeNanos.toString() },
      returned,
      dispute: id,
      ...planAsJson(plan),
      movements: planProviderFee(feeNanos, await bearerOf(sql, period), plan),
    };
  });
}

async function findDispute(sql: Sql, id: string) {
  const [row] = await sql<{ invoice: string; nanos: string; reason: string; state: string }[]>`
    SELECT d.invoice_id AS invoice, d.amount_nanos::text AS nanos, d.reason, ${toldState(sql)} AS state
    FROM ${disputesAndLosses(sql)} WHERE d.id = ${id}`;
  if (row === undefined) throw new Refusal("not_found", `there is no dispute ${id}`);
  return row;
}
