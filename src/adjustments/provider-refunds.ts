/** What the payment provider knows of money that went back: the port that this stage needs. One adapter, Stripe. */
export interface RefundRecord {
  /** Undefined when there is none. Each throws ProviderUnavailable when the provider cannot be asked. */
  refundById(id: string): Promise<ProviderRefund | undefined>;
  /** All refunds of a payment. */
  refundsOfCharge(charge: string): Promise<ProviderRefund[]>;
  creditNoteById(id: string): Promise<ProviderCreditNote | undefined>;
  disputeById(id: string): Promise<ProviderDispute | undefined>;
}

export interface ProviderRefund {
  id: string;
  status: "pending" | "succeeded" | "failed";
  currency: string;
  /** In the currency's minor unit. */
  amountMinor: bigint;
  /** The provider's name of the invoice that was paid; null when it was something else. */
  invoice: string | null;
  /** The refund of ours that it pays back, as whoever made it wrote on it. */
  ofRefund: string | null;
  reason: string | null;
}

export interface ProviderCreditNote {
  id: string;
  isVoid: boolean;
  currency: string;
  invoice: string;
  /** What it takes from the invoice, without what is refunded: refunds tell of themselves. */
  creditedMinor: bigint;
  /** The refund of ours that it was made for, as whoever made it wrote on it. */
  ofRefund: string | null;
  reason: string | null;
}

export interface ProviderDispute {
  id: string;
  /** inquiry: a question of the bank's, no money moved yet. */
  state: "inquiry" | "open" | "won" | "lost";
  currency: string;
  amountMinor: bigint;
  invoice: string | null;
  reason: string;
  /** What the provider charged for it, less what it gave back, in the same currency. */
  feeMinor: bigint;
}
