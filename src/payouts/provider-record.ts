/** What the provider has on record, page by page, newest first: the port that reconciling needs. @throws ProviderUnavailable */
export interface ProviderRecord {
  /** Every transfer made since then, whoever made it, with all its reversals. */
  transfers(since: Date): AsyncIterable<ProviderTransfer>;
  transferById(id: string): Promise<ProviderTransfer | undefined>;
  /** What transfers and their reversals did to the platform's balance. */
  movements(since: Date): AsyncIterable<ProviderMovement>;
  /** What a connected account sent on to its bank. */
  bankPayouts(account: string, since: Date): AsyncIterable<BankPayout>;
  /** One of them; undefined when the account shows none of this id. */
  bankPayoutById(account: string, id: string): Promise<BankPayout | undefined>;
}

export interface ProviderTransfer {
  id: string;
  /** In capitals, as everywhere here. */
  currency: string;
  amountMinor: bigint;
  account: string;
  group: string | null;
  metadata: Readonly<Record<string, string>>;
  createdAt: Date;
  movementId: string | null;
  reversals: ProviderReversal[];
}

export interface ProviderReversal {
  id: string;
  amountMinor: bigint;
  createdAt: Date;
  movementId: string | null;
}

export interface ProviderMovement {
  id: string;
  /** `undone`: the provider took a transfer back by itself. */
  kind: "transfer" | "reversal" | "undone";
  currency: string;
  /** Negative when money left the platform. */
  amountMinor: bigint;
  /** What it says it was for. */
  source: string | null;
  createdAt: Date;
}

export interface BankPayout {
  id: string;
  account: string;
  currency: string;
  amountMinor: bigint;
  status: "pending" | "in_transit" | "paid" | "failed" | "canceled";
  /** What the bank said, when it failed. */
  failure: string | null;
  createdAt: Date;
}
