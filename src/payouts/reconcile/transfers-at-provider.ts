import type { ProviderTransfer } from "../provider-record.ts";

/** The payout that a transfer says it pays. */
export function payoutNamedBy({ metadata, group }: ProviderTransfer): string | undefined {
  return metadata.payout ?? (group?.startsWith("po_") === true ? group : undefined);
}

/** What is left of a transfer after its reversals. */
export function leftOf({ amountMinor, reversals }: ProviderTransfer): bigint {
  return amountMinor - reversals.reduce((sum, reversal) => sum + reversal.amountMinor, 0n);
}
