/** Who asks customers for the money: the port that the billing stage needs. One adapter, Stripe (`adapters/stripe`). */
export interface BillingProvider {
  /** One try, ended within a bounded time. Never throws: what is not known is `unknown`. */
  createCustomer(request: CustomerRequest): Promise<CustomerOutcome>;
  /** Looks for the customer that this request made, among those made since then. @throws ProviderUnavailable */
  findCustomer(request: CustomerRequest, since: Date): Promise<string | undefined>;
  /** Makes the invoice with its items and finalises it; each call under a key of its own. Never throws. */
  pushInvoice(request: InvoiceRequest): Promise<PushOutcome>;
  /** Finalises a draft of this invoice, after adding the items it lacks. Never throws. */
  completeInvoice(request: InvoiceRequest, found: FoundInvoice): Promise<PushOutcome>;
  /**
   * Looks for what any attempt made of this invoice, by its metadata.
   * @throws ProviderUnavailable when the provider cannot be asked, or holds more than one
   */
  findInvoice(request: InvoiceRequest): Promise<FoundInvoice | undefined>;
  /**
   * Tells the provider of money that came for an invoice elsewhere, so that it asks for that much less; what an earlier try told is
   * found first. One try. Never throws.
   */
  tellPayment(request: PaymentToTell): Promise<ToldOutcome>;
  /** How an invoice of this name stands; undefined when there is none. @throws ProviderUnavailable */
  invoiceStanding(providerId: string): Promise<InvoiceStanding | undefined>;
}

export interface InvoiceStanding {
  status: "draft" | "open" | "paid" | "void" | "uncollectible";
  currency: string;
  /** In the currency's minor unit. */
  totalMinor: bigint;
  paidMinor: bigint;
  /** How much of that came through the provider; the rest was marked as paid by somebody. */
  receivedMinor: bigint;
  /** What credit notes took from it before it was paid. */
  creditedMinor: bigint;
  /**
   * More than nothing: it was too small to be charged, and this the provider asks for with the customer's next invoice, though it
   * calls it paid. Less: so much it asked for besides its own, of invoices before.
   */
  carriedMinor: bigint;
  finalizedAt: Date | null;
  /** When it was paid in full; null before. */
  paidAt: Date | null;
}

export interface CustomerRequest {
  customer: string;
  currency: string;
  name: string;
  /** Which books it is of: several may share one account at the provider. */
  installation: string;
  idempotencyKey: string;
}

export type CustomerOutcome = { outcome: "made"; providerId: string } | NotDone;

export interface InvoiceRequest {
  invoice: string;
  period: string;
  /** The provider's name for the customer. */
  providerCustomer: string;
  currency: string;
  /** In the currency's minor unit: Σ of the items. */
  amountMinor: bigint;
  items: InvoiceItem[];
  installation: string;
  idempotencyKey: string;
  /** Asked right before each call: false once the key is too old to be sent safely. */
  maySend(): boolean;
}

export interface InvoiceItem {
  amountMinor: bigint;
  description: string;
}

export interface PaymentToTell {
  /** Our invoice, and the payer's name for the payment: what the provider keeps with it. */
  invoice: string;
  reference: string;
  /** The provider's name for the invoice. */
  providerInvoice: string;
  currency: string;
  /** In the currency's minor unit. */
  amountMinor: bigint;
  paidAt: Date;
  installation: string;
  idempotencyKey: string;
  /** Asked right before each call: false once the key is too old to be sent safely. */
  maySend(): boolean;
}

/** `not_sent`: nothing of it is there, and its key is too old. */
export type ToldOutcome =
  | { outcome: "told"; providerId: string }
  | { outcome: "not_sent"; detail: string }
  | NotDone;

export interface FoundInvoice {
  providerId: string;
  /** Not finalised yet: nobody is asked for anything. */
  isDraft: boolean;
}

export type PushOutcome = { outcome: "pushed"; providerId: string } | NotDone;

export type NotDone =
  /** Refused for good; a new attempt needs a new key. */
  | { outcome: "failed"; detail: string }
  /** Too many requests, or the same key is being handled. The same key may be sent again soon. */
  | { outcome: "busy"; detail: string }
  /** No other invoice will fare better: key, permission or mode is wrong. */
  | { outcome: "stop"; detail: string }
  /** It may or may not have been done: time-out, connection lost, server error. */
  | { outcome: "unknown"; detail: string };
