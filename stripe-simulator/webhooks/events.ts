import type Stripe from "stripe";
import { shown, type WireInvoice } from "../resources/invoices.ts";
import type { WireDispute } from "../resources/money-back/disputes.ts";
import type { Change, State } from "../state.ts";

export const API_VERSION = "2026-10-28.endive";

/** What happened to an object, as Stripe tells it. */
interface Happening {
  type: string;
  object: object;
  /** The connected account that it happened to; undefined for the platform's own. */
  account?: string;
}

/** The events of a change that is about to be made. */
export function eventsOf(state: State, change: Change): Stripe.Event[] {
  const reversed = new Set(
    (change.put ?? []).flatMap(({ kind, object }) => (kind === "reversal" ? [`${object.transfer}`] : [])),
  );
  const happenings = (change.put ?? []).flatMap((put) => happeningsOf(state, put, reversed));
  if (change.closed?.closed === true)
    happenings.push({
      type: "account.application.deauthorized",
      object: { id: "ca_sim", object: "application", name: "the platform" },
      account: change.closed.account,
    });
  return happenings.map((happening) => eventOf(state, happening, change));
}

function happeningsOf(
  state: State,
  put: NonNullable<Change["put"]>[number],
  reversed: ReadonlySet<string>,
): Happening[] {
  const { kind, object } = put;
  if (kind === "transfer") {
    const isNew = !state.objects.transfer.has(object.id);
    const type = isNew ? "created" : reversed.has(object.id) ? "reversed" : "updated";
    return [{ type: `transfer.${type}`, object }];
  }
  if (kind === "account" && state.objects.account.has(object.id))
    return [{ type: "account.updated", object, account: object.id }];
  if (kind === "bank_payout") {
    const { payout, account } = object;
    const before = state.objects.bank_payout.get(object.id)?.payout.status;
    const told = ["paid", "failed", "canceled"].includes(payout.status) ? payout.status : "updated";
    return [{ type: `payout.${before === undefined ? "created" : told}`, object: payout, account }];
  }
  if (kind === "customer")
    return [{ type: `customer.${state.objects.customer.has(object.id) ? "updated" : "created"}`, object }];
  if (
    kind === "charge" &&
    object.amount_refunded > (state.objects.charge.get(object.id)?.amount_refunded ?? 0)
  )
    return [{ type: "charge.refunded", object }];
  if (kind === "refund") {
    const told = object.status === "failed" ? ["failed", "updated"] : ["created"];
    return told.map((what) => ({ type: `refund.${what}`, object }));
  }
  if (kind === "credit_note")
    return [{ type: `credit_note.${object.status === "void" ? "voided" : "created"}`, object }];
  if (kind === "dispute")
    return disputeEvents(state, object).map((what) => ({ type: `charge.dispute.${what}`, object }));
  if (kind === "invoice_item") return [{ type: "invoiceitem.created", object }];
  if (kind === "invoice")
    return invoiceEvents(state.objects.invoice.get(object.id), object).map((type) => ({
      type: `invoice.${type}`,
      object: shown(object),
    }));
  return [];
}

function disputeEvents(state: State, { id, status, balance_transactions }: WireDispute): string[] {
  const before = state.objects.dispute.get(id);
  if (before === undefined)
    return balance_transactions.length > 0 ? ["created", "funds_withdrawn"] : ["created"];
  return status === "won" ? ["closed", "funds_reinstated"] : ["closed"];
}

function invoiceEvents(before: WireInvoice | undefined, { status, attempt_count }: WireInvoice): string[] {
  if (before === undefined) return ["created"];
  if (status === before.status) return [attempt_count > before.attempt_count ? "payment_failed" : "updated"];
  const finalized = before.status === "draft" ? ["finalized"] : [];
  if (status === "paid") return [...finalized, "paid", "payment_succeeded"];
  if (status === "void") return ["voided"];
  return status === "uncollectible" ? ["marked_uncollectible"] : finalized;
}

function eventOf(state: State, { type, object, account }: Happening, { request }: Change): Stripe.Event {
  return {
    id: state.nextId("evt"),
    object: "event",
    ...(account === undefined ? {} : { account }),
    api_version: API_VERSION,
    created: state.now(),
    data: { object },
    livemode: false,
    pending_webhooks: 0,
    request: request ?? { id: null, idempotency_key: null },
    type,
  } as Stripe.Event;
}
