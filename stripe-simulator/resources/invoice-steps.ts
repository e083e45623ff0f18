import { refused, StripeProblem } from "../errors.ts";
import { only, text } from "../form.ts";
import type { Answer, Call } from "../routes.ts";
import type { Change } from "../state.ts";
import { invoiceOf, shown, type WireInvoice } from "./invoices.ts";
import { received } from "./money-back/payments.ts";

/** The customer's card is declined while its metadata says so: `simulator_card=declined`. */
const CARD = "simulator_card";

/** A draft becomes open; one of nothing is paid at once. */
export function finalizeInvoice(call: Call): Answer {
  const { state, form } = call;
  only(form, "auto_advance");
  const draft = invoiceOf(call);
  if (draft.status !== "draft")
    throw refused(
      "invoice_not_editable",
      "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
    );
  const now = state.now();
  const auto = text(form, "auto_advance");
  const open: WireInvoice = {
    ...draft,
    status: "open",
    auto_advance: auto === undefined ? draft.auto_advance === true : auto === "true",
    effective_at: now,
    ending_balance: 0,
    hosted_invoice_url: `https://invoice.stripe.com/i/acct_sim/test_${draft.id}`,
    invoice_pdf: `https://pay.stripe.com/invoice/acct_sim/test_${draft.id}/pdf`,
    number: `SIM-${draft.id.slice(-8).toUpperCase()}`,
    status_transitions: { ...draft.status_transitions, finalized_at: now },
  };
  return answerOf(open.amount_due === 0 ? paid(open, now) : open);
}

/** With `paid_out_of_band` the money came elsewhere; otherwise it is on the platform's balance. */
export function payInvoice(call: Call): Answer {
  const { state, form } = call;
  only(form, "paid_out_of_band", "forgive", "off_session", "payment_method", "source");
  const invoice = invoiceOf(call);
  if (invoice.status === "paid") throw refused("invoice_already_paid", "Invoice is already paid");
  requireOpen(invoice, "pay");
  if (text(form, "paid_out_of_band") === "true")
    return answerOf({ ...paid(invoice, state.now()), amount_paid_off_stripe: invoice.amount_due });
  if (state.objects.customer.get(invoice.customer)?.metadata[CARD] === "declined")
    throw new StripeProblem(402, "card_error", "card_declined", "Your card was declined.", { stored: true });
  return answerOf(paid(invoice, state.now()), received(state, invoice));
}

export function voidInvoice(call: Call): Answer {
  only(call.form);
  const invoice = invoiceOf(call);
  requireOpen(invoice, "void");
  return answerOf({
    ...invoice,
    status: "void",
    status_transitions: { ...invoice.status_transitions, voided_at: call.state.now() },
  });
}

export function markUncollectible(call: Call): Answer {
  only(call.form);
  const invoice = invoiceOf(call);
  requireOpen(invoice, "mark as uncollectible");
  return answerOf({
    ...invoice,
    status: "uncollectible",
    status_transitions: { ...invoice.status_transitions, marked_uncollectible_at: call.state.now() },
  });
}

/** What Stripe's own collection would find when the card is declined. */
export function failPayment(invoice: WireInvoice): WireInvoice {
  return { ...invoice, attempted: true, attempt_count: invoice.attempt_count + 1 };
}

export function paid(invoice: WireInvoice, now: number): WireInvoice {
  return {
    ...invoice,
    status: "paid",
    amount_paid: invoice.amount_due,
    amount_remaining: 0,
    attempted: true,
    attempt_count: invoice.attempt_count + 1,
    status_transitions: { ...invoice.status_transitions, paid_at: now },
  };
}

/** One that nobody hopes for any more can still be paid or voided. */
function requireOpen({ status }: WireInvoice, what: string): void {
  if (status !== "open" && status !== "uncollectible")
    throw refused(
      "invoice_not_editable",
      `You can only ${what} open or uncollectible invoices, not ${status}.`,
    );
}

function answerOf(invoice: WireInvoice, more: Change = {}): Answer {
  const put = [...(more.put ?? []), { kind: "invoice" as const, object: invoice }];
  return { body: shown(invoice), change: { ...more, put } };
}
