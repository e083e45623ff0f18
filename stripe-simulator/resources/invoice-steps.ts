import type Stripe from "stripe";
import { refused, StripeProblem } from "../errors.ts";
import { only, text } from "../form.ts";
import type { Answer, Call } from "../routes.ts";
import type { Change } from "../state.ts";
import { customerOf } from "./customers.ts";
import { invoiceOf, shown, type WireInvoice } from "./invoices.ts";
import { received } from "./money-back/payments.ts";

/** The customer's card is declined while its metadata says so: `simulator_card=declined`. */
const CARD = "simulator_card";

/** Below it nothing is charged: Stripe's list, as far as programs here use it. In minor units. */
const MINIMUM_CHARGE: Record<string, number> = {
  usd: 50,
  eur: 50,
  gbp: 30,
  jpy: 50,
  cad: 50,
  chf: 50,
  aud: 50,
};

/**
 * A draft becomes open, and asks for what the customer's balance says besides. One that asks for nothing is paid at once; so is
 * one that asks for too little to be charged, and that waits on the balance for the next one.
 */
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
  const customer = customerOf({ state, id: draft.customer });
  const balances = withBalance(draft, customer.balance);
  const auto = text(form, "auto_advance");
  const open: WireInvoice = {
    ...draft,
    status: "open",
    auto_advance: auto === undefined ? draft.auto_advance === true : auto === "true",
    effective_at: now,
    ...balances,
    hosted_invoice_url: `https://invoice.stripe.com/i/acct_sim/test_${draft.id}`,
    invoice_pdf: `https://pay.stripe.com/invoice/acct_sim/test_${draft.id}/pdf`,
    number: `SIM-${draft.id.slice(-8).toUpperCase()}`,
    status_transitions: { ...draft.status_transitions, finalized_at: now },
  };
  return answerOf(
    open.amount_due === 0 ? paid(open, now) : open,
    balanceOf(customer, balances.ending_balance),
  );
}

/** What of an amount and a balance (more than nothing: owed) is asked for now, and what stays on the balance. */
function withBalance({ total, currency }: WireInvoice, starting_balance: number) {
  const owed = total + starting_balance;
  const amount_due = owed < (MINIMUM_CHARGE[currency] ?? 1) ? 0 : owed;
  return { starting_balance, ending_balance: owed - amount_due, amount_due, amount_remaining: amount_due };
}

function balanceOf(customer: Stripe.Customer, balance: number): Change {
  return balance === customer.balance
    ? {}
    : { put: [{ kind: "customer", object: { ...customer, balance } }] };
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
  const customer = customerOf({ state: call.state, id: invoice.customer });
  // What it asked for of invoices before waits for the next one again.
  const balance = customer.balance + invoice.starting_balance - (invoice.ending_balance ?? 0);
  return answerOf(
    {
      ...invoice,
      status: "void",
      status_transitions: { ...invoice.status_transitions, voided_at: call.state.now() },
    },
    balanceOf(customer, balance),
  );
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
