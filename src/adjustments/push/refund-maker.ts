import type { NotDone } from "../../billing/index.ts";
import type { RefundRecord } from "../provider-refunds.ts";

/** A credit note lessens what an invoice still asks for; a refund gives back money of its payment. */
export const REFUND_MEANS = ["credit_note", "refund"] as const;
export type RefundMeans = (typeof REFUND_MEANS)[number];

/** Makes at the provider what we refunded: the port that this stage needs. One adapter, Stripe. */
export interface RefundMaker extends RefundRecord {
  /** One try, ended within a bounded time. Never throws: what is not known is `unknown`. */
  makeRefund(request: RefundToMake): Promise<MadeOutcome>;
  /**
   * Looks for what any attempt made of it and that still stands, by its metadata.
   * @throws ProviderUnavailable when the provider cannot be asked, or holds another amount, or more than one
   */
  findRefund(request: RefundToMake): Promise<string | undefined>;
}

export interface RefundToMake {
  /** Our refund's id, which the provider keeps with it. */
  refund: string;
  means: RefundMeans;
  /** The provider's name for the invoice. */
  invoice: string;
  currency: string;
  /** In the currency's minor unit. */
  amountMinor: bigint;
  /** Which books it is of. */
  installation: string;
  idempotencyKey: string;
  /** Asked right before each call: false once the key is too old to be sent safely. */
  maySend(): boolean;
}

export type MadeOutcome = { outcome: "made"; providerId: string } | NotDone;
