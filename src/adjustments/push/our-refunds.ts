import { fromMinor, type Nanos } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { ProviderCreditNote, ProviderRefund } from "../provider-refunds.ts";
import { recordMoneyReturned } from "../refunds/refund.ts";
import { takeBack } from "../refunds/take-back.ts";
import type { RefundMeans } from "./refund-maker.ts";

/** A refund of ours of this invoice; undefined when there is none of this name. */
export async function ourRefund(
  sql: Sql,
  id: string | null,
  invoice: string,
): Promise<{ id: string; invoice: string } | undefined> {
  if (id === null) return undefined;
  const rows =
    await sql`SELECT FROM adjustment WHERE id = ${id} AND kind = 'refund' AND invoice_id = ${invoice}`;
  return rows.length === 0 ? undefined : { id, invoice };
}

/**
 * Whether it is a correction, or a refund of another invoice, that left something in favour of this invoice's customer: what a
 * refund of the invoice's payment may give back as money too.
 */
export async function leftOnAccountBy(sql: Sql, id: string | null, invoice: string): Promise<boolean> {
  if (id === null) return false;
  const rows = await sql`
    SELECT FROM adjustment a JOIN invoice i ON i.id = ${invoice} AND i.currency = a.currency
    WHERE a.id = ${id} AND a.kind IN ('refund', 'rerate', 'credit') AND (
      EXISTS (SELECT FROM invoice o WHERE o.id = a.invoice_id AND o.customer = i.customer)
      OR EXISTS (SELECT FROM adjustment_cell c JOIN customer u USING (customer_no)
                 WHERE c.adjustment_no = a.adjustment_no AND u.id = i.customer)
      OR EXISTS (SELECT FROM adjustment_movement m
                 WHERE m.adjustment_no = a.adjustment_no AND m.account = format('customer:%s:receivable', i.customer)))`;
  return rows.length > 0;
}

/** Money that went back for a refund of ours: booked once it arrived, and given back when it failed. @throws Refusal */
export async function takeOurRefund(
  sql: Sql,
  one: ProviderRefund,
  { id, invoice }: { id: string; invoice: string },
): Promise<"made" | "failed"> {
  const amountNanos = fromMinor(one.currency, one.amountMinor);
  const settled = { refund: id, means: "refund" as const, providerId: one.id, amountNanos };
  if (one.status === "failed") {
    await takeBack(sql, one.id, `${one.id} failed at Stripe`);
    await settle(sql, { ...settled, undone: "it failed at Stripe: the money is on the customer's account" });
    return "failed";
  }
  if (one.status === "succeeded") await bookMoney(sql, one, { invoice, pays: id });
  await settle(sql, settled);
  return "made";
}

/** Money of a refund at the provider, under its name there: once. Answers the adjustment's id. @throws Refusal */
export function bookMoney(
  sql: Sql,
  one: ProviderRefund,
  { invoice, pays }: { invoice: string; pays?: string },
): Promise<string> {
  return recordMoneyReturned(sql, {
    invoice,
    amountNanos: fromMinor(one.currency, one.amountMinor),
    reference: one.id,
    reason: `refunded at Stripe: ${one.reason ?? "no reason given"}`,
    by: "stripe",
    ...(pays === undefined ? {} : { pays }),
  });
}

/** What a credit note takes was booked with its refund: nothing moves. */
export async function takeOurCreditNote(
  sql: Sql,
  note: ProviderCreditNote,
  refund: string,
): Promise<"made" | "failed"> {
  const amountNanos = fromMinor(note.currency, note.creditedMinor);
  const settled = { refund, means: "credit_note" as const, providerId: note.id, amountNanos };
  await settle(
    sql,
    note.isVoid ? { ...settled, undone: "it was voided at Stripe: the invoice asks for it again" } : settled,
  );
  return note.isVoid ? "failed" : "made";
}

interface Settled {
  refund: string;
  means: RefundMeans;
  providerId: string;
  amountNanos: Nanos;
  /** Why it does not stand any more; undefined when it does. */
  undone?: string;
}

async function settle(sql: Sql, { refund, means, providerId, amountNanos, undone }: Settled): Promise<void> {
  await sql`SELECT settle_refund_push(${refund}, ${means}, ${providerId}, ${amountNanos.toString()}, ${undone ?? null})`;
}
