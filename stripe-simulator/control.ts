import { invalidRequest, missing, StripeProblem } from "./errors.ts";
import { FAULTS, type Faults } from "./faults.ts";
import { amount, fields, flag, oneOf, optional, seconds, text, texts, times } from "./lever-body.ts";
import type { RateLimit } from "./rate-limit.ts";
import { ACCOUNT_STATUSES, changeAccount } from "./resources/accounts.ts";
import { failPayment } from "./resources/invoice-steps.ts";
import { invoiceOf } from "./resources/invoices.ts";
import { closeDispute, DISPUTE_OUTCOMES, openDispute } from "./resources/money-back/disputes.ts";
import { failRefund } from "./resources/money-back/refunds.ts";
import { changePayout, PAYOUT_STATUSES, payOutAll } from "./resources/payouts.ts";
import type { State } from "./state.ts";
import type { Webhooks } from "./webhooks/webhooks.ts";

export interface Levers {
  state: State;
  faults: Faults;
  webhooks: Webhooks;
  rateLimit: RateLimit;
}

/**
 * The simulator's own levers, under /_simulator: state, clock, balance, accounts, faults.
 * @throws StripeProblem for an unknown lever or a body that is not what the lever takes
 */
export function control(levers: Levers, method: string, path: string, body: string): unknown {
  const { state, faults, rateLimit } = levers;
  const lever = `${method} ${path.replace("/_simulator", "")}`;
  switch (lever) {
    case "GET /state":
      return { pid: process.pid, now: state.now(), faults: faults.count, ...state.counts() };
    case "POST /clock":
      state.advance(seconds(fields(parse(body), "advance_seconds").advance_seconds));
      return { now: state.now() };
    case "POST /balance":
      return setBalance(state, parse(body));
    case "POST /rate-limit":
      rateLimit.set(times(fields(parse(body), "per_second").per_second, 0));
      return {};
    case "POST /webhooks":
      return holdWebhooks(levers, parse(body));
    case "POST /webhooks/send":
      return sendWebhook(levers, parse(body));
    case "POST /payouts":
      return payOut(state, parse(body));
    case "POST /faults":
      return addFault(faults, parse(body));
    case "DELETE /faults":
      faults.clear();
      return { faults: 0 };
  }
  const account = /^POST \/accounts\/(\w+)$/.exec(lever)?.[1];
  if (account !== undefined) return setAccount(state, account, parse(body));
  const payout = /^POST \/payouts\/(\w+)$/.exec(lever)?.[1];
  if (payout !== undefined) return setPayout(state, payout, parse(body));
  const invoice = /^POST \/invoices\/(\w+)\/payment-failed$/.exec(lever)?.[1];
  if (invoice !== undefined) return declineInvoice(state, invoice);
  const refund = /^POST \/refunds\/(\w+)\/fail$/.exec(lever)?.[1];
  if (refund !== undefined) return failedRefund(state, refund);
  if (lever === "POST /disputes") return dispute(state, parse(body));
  const disputed = /^POST \/disputes\/(\w+)$/.exec(lever)?.[1];
  if (disputed !== undefined) return decide(state, disputed, parse(body));
  throw new StripeProblem(404, "invalid_request_error", undefined, `No such lever: ${lever}`);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw invalidRequest(undefined, "The body is not JSON.");
  }
}

function setBalance(state: State, body: unknown): unknown {
  const given = fields(body, "currency", "available", "pending");
  const currency = text(given.currency);
  const available = optional(amount, given.available) ?? state.available(currency);
  const pending = optional(amount, given.pending);
  if (!/^[a-z]{3}$/.test(currency))
    throw invalidRequest(undefined, "currency: three small letters", "currency");
  state.commit({
    balance: [{ currency, add: available - state.available(currency) }],
    ...(pending === undefined ? {} : { pending: { currency, amount: pending } }),
  });
  return { currency, available, pending: state.pending(currency) };
}

/** `times` and `after` are taken in `match` and beside it. */
function addFault(faults: Faults, body: unknown): unknown {
  const given = fields(body, "fault", "executed", "match", "times", "after");
  const match = fields(given.match ?? {}, "method", "path", "times", "after");
  const fault = oneOf([...FAULTS, "hang"] as const, given.fault);
  const executed = optional(flag, given.executed) ?? false;
  const hang = executed ? "hang_after" : "hang_before";
  faults.add({
    kind: fault === "hang" ? hang : fault,
    method: optional(text, match.method),
    pathPrefix: optional(text, match.path) ?? "",
    times: times(given.times ?? match.times ?? 1, 1),
    after: times(given.after ?? match.after ?? 0, 0),
  });
  return { faults: faults.count };
}

function setAccount(state: State, id: string, body: unknown): unknown {
  const given = fields(body, "transfers", "closed", "currently_due");
  const status = optional((value) => oneOf(ACCOUNT_STATUSES, value), given.transfers);
  const due = optional(texts, given.currently_due);
  const closed = optional(flag, given.closed);
  const account = state.objects.account.get(id);
  if (account === undefined) throw missing("account", id);
  const changed = changeAccount(account, status, due);
  state.commit({
    put: [{ kind: "account", object: changed }],
    ...(closed === undefined ? {} : { closed: { account: id, closed } }),
  });
  return changed;
}

/** What Stripe's payout schedule would do: an account's whole balance, or every account's, goes to the bank. */
function payOut(state: State, body: unknown): unknown {
  const given = fields(body, "account");
  const account = optional(text, given.account);
  if (account !== undefined && state.account(account) === undefined) throw missing("account", account);
  const made = payOutAll(state, account);
  state.commit({ put: made.map((object) => ({ kind: "bank_payout", object })) });
  return { payouts: made };
}

function setPayout(state: State, id: string, body: unknown): unknown {
  const given = fields(body, "status", "failure_code");
  const known = state.objects.bank_payout.get(id);
  if (known === undefined) throw missing("payout", id);
  const status = oneOf(PAYOUT_STATUSES, given.status);
  const changed = changePayout(known, status, optional(text, given.failure_code) ?? "account_closed");
  state.commit({ put: [{ kind: "bank_payout", object: changed }] });
  return changed.payout;
}

function declineInvoice(state: State, id: string): unknown {
  const declined = failPayment(invoiceOf({ state, id }));
  state.commit({ put: [{ kind: "invoice", object: declined }] });
  return declined;
}

function failedRefund(state: State, id: string): unknown {
  state.commit(failRefund(state, id));
  return state.objects.refund.get(id);
}

function dispute(state: State, body: unknown): unknown {
  const given = fields(body, "charge", "amount", "inquiry");
  const [object, change] = openDispute(
    state,
    text(given.charge),
    optional(amount, given.amount),
    optional(flag, given.inquiry) ?? false,
  );
  state.commit(change);
  return object;
}

function decide(state: State, id: string, body: unknown): unknown {
  const given = fields(body, "status", "fee_returned");
  const feeReturned = optional(flag, given.fee_returned) ?? false;
  const [object, change] = closeDispute(state, id, oneOf(DISPUTE_OUTCOMES, given.status), feeReturned);
  state.commit(change);
  return object;
}

async function holdWebhooks({ webhooks }: Levers, body: unknown): Promise<unknown> {
  const given = fields(body, "held", "newest_first");
  const held = flag(given.held);
  await webhooks.hold(held, optional(flag, given.newest_first) ?? false);
  return { held };
}

/** An event delivered by hand: again, forged, too old, for another account or for the other mode. */
async function sendWebhook({ state, webhooks }: Levers, body: unknown): Promise<unknown> {
  const given = fields(body, "event", "forged", "account", "livemode", "age_seconds");
  const id = text(given.event);
  const event = state.objects.event.get(id);
  if (event === undefined) throw missing("event", id);
  const statuses = await webhooks.send(event, {
    forged: optional(flag, given.forged),
    account: optional(text, given.account),
    livemode: optional(flag, given.livemode),
    ageSeconds: optional(seconds, given.age_seconds),
  });
  return { statuses };
}
