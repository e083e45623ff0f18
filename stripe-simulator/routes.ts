import { invalidRequest, StripeProblem } from "./errors.ts";
import type { Form } from "./form.ts";
import { createAccountLink } from "./resources/account-links.ts";
import { createAccount, listAccounts, retrieveAccount, updateAccount } from "./resources/accounts.ts";
import { listBalanceTransactions, retrieveBalance, retrieveBalanceTransaction } from "./resources/balance.ts";
import { createCustomer, listCustomers, retrieveCustomer, updateCustomer } from "./resources/customers.ts";
import { listEvents, retrieveEvent } from "./resources/events.ts";
import { createInvoiceItem, listInvoiceItems, retrieveInvoiceItem } from "./resources/invoice-items.ts";
import { finalizeInvoice, markUncollectible, payInvoice, voidInvoice } from "./resources/invoice-steps.ts";
import { createInvoice, listInvoiceLines, listInvoices, retrieveInvoice } from "./resources/invoices.ts";
import {
  createCreditNote,
  listCreditNotes,
  retrieveCreditNote,
  voidCreditNote,
} from "./resources/money-back/credit-notes.ts";
import { retrieveDispute } from "./resources/money-back/disputes.ts";
import {
  attachPayment,
  listPaymentRecords,
  reportPayment,
  retrievePaymentRecord,
} from "./resources/money-back/payment-records.ts";
import { listInvoicePayments, retrieveCharge } from "./resources/money-back/payments.ts";
import { createRefund, listRefunds, retrieveRefund } from "./resources/money-back/refunds.ts";
import { listPayouts, retrievePayout } from "./resources/payouts.ts";
import { createReversal, listReversals } from "./resources/reversals.ts";
import { createTransfer, listTransfers, retrieveTransfer, updateTransfer } from "./resources/transfers.ts";
import {
  createEndpoint,
  deleteEndpoint,
  listEndpoints,
  retrieveEndpoint,
} from "./resources/webhook-endpoints.ts";
import type { Change, State } from "./state.ts";

export interface Call {
  state: State;
  /** The id in the path; empty when there is none. */
  id: string;
  form: Form;
  /** The connected account on whose behalf the platform asks (Stripe-Account); undefined for the platform itself. */
  account?: string | undefined;
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
  ["GET", /^\/v1\/payouts$/, listPayouts],
  ["GET", /^\/v1\/payouts\/(\w+)$/, retrievePayout],
  ["POST", /^\/v1\/customers$/, createCustomer],
  ["GET", /^\/v1\/customers$/, listCustomers],
  ["GET", /^\/v1\/customers\/(\w+)$/, retrieveCustomer],
  ["POST", /^\/v1\/customers\/(\w+)$/, updateCustomer],
  ["POST", /^\/v1\/invoiceitems$/, createInvoiceItem],
  ["GET", /^\/v1\/invoiceitems$/, listInvoiceItems],
  ["GET", /^\/v1\/invoiceitems\/(\w+)$/, retrieveInvoiceItem],
  ["POST", /^\/v1\/invoices$/, createInvoice],
  ["GET", /^\/v1\/invoices$/, listInvoices],
  ["GET", /^\/v1\/invoices\/(\w+)$/, retrieveInvoice],
  ["GET", /^\/v1\/invoices\/(\w+)\/lines$/, listInvoiceLines],
  ["POST", /^\/v1\/invoices\/(\w+)\/finalize$/, finalizeInvoice],
  ["POST", /^\/v1\/invoices\/(\w+)\/pay$/, payInvoice],
  ["POST", /^\/v1\/invoices\/(\w+)\/void$/, voidInvoice],
  ["POST", /^\/v1\/invoices\/(\w+)\/mark_uncollectible$/, markUncollectible],
  ["POST", /^\/v1\/invoices\/(\w+)\/attach_payment$/, attachPayment],
  ["GET", /^\/v1\/invoice_payments$/, listInvoicePayments],
  ["POST", /^\/v1\/payment_records\/report_payment$/, reportPayment],
  ["GET", /^\/v1\/payment_records$/, listPaymentRecords],
  ["GET", /^\/v1\/payment_records\/(\w+)$/, retrievePaymentRecord],
  ["GET", /^\/v1\/charges\/(\w+)$/, retrieveCharge],
  ["POST", /^\/v1\/refunds$/, createRefund],
  ["GET", /^\/v1\/refunds$/, listRefunds],
  ["GET", /^\/v1\/refunds\/(\w+)$/, retrieveRefund],
  ["POST", /^\/v1\/credit_notes$/, createCreditNote],
  ["GET", /^\/v1\/credit_notes$/, listCreditNotes],
  ["GET", /^\/v1\/credit_notes\/(\w+)$/, retrieveCreditNote],
  ["POST", /^\/v1\/credit_notes\/(\w+)\/void$/, voidCreditNote],
  ["GET", /^\/v1\/disputes\/(\w+)$/, retrieveDispute],
  ["GET", /^\/v1\/events$/, listEvents],
  ["GET", /^\/v1\/events\/(\w+)$/, retrieveEvent],
  ["POST", /^\/v1\/webhook_endpoints$/, createEndpoint],
  ["GET", /^\/v1\/webhook_endpoints$/, listEndpoints],
  ["GET", /^\/v1\/webhook_endpoints\/(\w+)$/, retrieveEndpoint],
  ["DELETE", /^\/v1\/webhook_endpoints\/(\w+)$/, deleteEndpoint],
];
/** What can be asked on behalf of a connected account. */
const OF_AN_ACCOUNT = /^GET \/v1\/(payouts|balance|events)\b/;

export interface Asked {
  method: string;
  path: string;
  form: Form;
  account?: string | undefined;
}

/** @throws StripeProblem */
export function execute(state: State, { method, path, form, account }: Asked): Answer {
  if (account !== undefined) requireOnBehalf(state, account, `${method} ${path}`);
  for (const [verb, pattern, handler] of ENDPOINTS) {
    const match = verb === method ? pattern.exec(path) : null;
    if (match !== null) return handler({ state, id: match[1] ?? "", form, account });
  }
  const message = `Unrecognized request URL (${method}: ${path}).`;
  throw new StripeProblem(404, "invalid_request_error", undefined, message);
}

function requireOnBehalf(state: State, account: string, request: string): void {
  if (state.account(account) === undefined) {
    const message = `The provided key does not have access to account '${account}' (or that account does not exist). Application access may have been revoked.`;
    throw new StripeProblem(403, "invalid_request_error", "account_invalid", message);
  }
  if (!OF_AN_ACCOUNT.test(request))
    throw invalidRequest(
      undefined,
      `${request} on behalf of a connected account (Stripe-Account) is not simulated.`,
    );
}
