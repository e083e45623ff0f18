import { StripeProblem } from "./errors.ts";
import type { Form } from "./form.ts";
import { createAccountLink } from "./resources/account-links.ts";
import { createAccount, listAccounts, retrieveAccount, updateAccount } from "./resources/accounts.ts";
import { listBalanceTransactions, retrieveBalance, retrieveBalanceTransaction } from "./resources/balance.ts";
import { createReversal, listReversals } from "./resources/reversals.ts";
import { createTransfer, listTransfers, retrieveTransfer, updateTransfer } from "./resources/transfers.ts";
import type { Change, State } from "./state.ts";

export interface Call {
  state: State;
  /** The id in the path; empty when there is none. */
  id: string;
  form: Form;
}

/** What an endpoint answers, and what it changes: nothing is changed before that is committed. */
export interface Answer {
  body: unknown;
  change?: Change;
}

const ENDPOINTS: [method: string, path: RegExp, handler: (call: Call) => Answer][] = [
  ["POST", /^\/v1\/accounts$/, createAccount],
  ["GET", /^\/v1\/accounts$/, listAccounts],
  ["GET", /^\/v1\/accounts\/(\w+)$/, retrieveAccount],
  ["POST", /^\/v1\/accounts\/(\w+)$/, updateAccount],
  ["POST", /^\/v1\/account_links$/, createAccountLink],
  ["GET", /^\/v1\/balance$/, retrieveBalance],
  ["GET", /^\/v1\/balance_transactions$/, listBalanceTransactions],
  ["GET", /^\/v1\/balance_transactions\/(\w+)$/, retrieveBalanceTransaction],
  ["POST", /^\/v1\/transfers$/, createTransfer],
  ["GET", /^\/v1\/transfers$/, listTransfers],
  ["GET", /^\/v1\/transfers\/(\w+)$/, retrieveTransfer],
  ["POST", /^\/v1\/transfers\/(\w+)$/, updateTransfer],
  ["POST", /^\/v1\/transfers\/(\w+)\/reversals$/, createReversal],
  ["GET", /^\/v1\/transfers\/(\w+)\/reversals$/, listReversals],
];

/** @throws StripeProblem */
export function execute(state: State, method: string, path: string, form: Form): Answer {
  for (const [verb, pattern, handler] of ENDPOINTS) {
    const match = verb === method ? pattern.exec(path) : null;
    if (match !== null) return handler({ state, id: match[1] ?? "", form });
  }
  const message = `Unrecognized request URL (${method}: ${path}).`;
  throw new StripeProblem(404, "invalid_request_error", undefined, message);
}
