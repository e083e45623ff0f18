import type { Nanos } from "../../kernel/index.ts";

/** What can be found; the list is closed, so that finance can filter by it. */
export const DIFFERENCE_KINDS = [
  "transfer_missing",
  "transfer_unrecorded",
  "transfer_twice",
  "transfer_foreign",
  "transfer_of_unknown_payout",
  "amount_differs",
  "currency_differs",
  "destination_differs",
  "metadata_differs",
  "reversed",
  "reversal_missing",
  "ledger_differs",
  "outcome_open",
  "movement_missing",
  "movement_differs",
  "movement_unexplained",
  "bank_payout_failed",
] as const;
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

/** One thing on which our books and the provider do not agree. */
export interface Difference {
  kind: DifferenceKind;
  /** Ours, when one is concerned. */
  payout: string | null;
  payee: string | null;
  /** The provider's object: transfer, reversal, balance transaction or payout to a bank. */
  reference: string | null;
  currency: string;
  /** What each side says; zero when it says nothing of it. */
  ours: Nanos;
  theirs: Nanos;
  /** The suspected cause and what to do, for a person. */
  cause: string;
}
