import type { Money } from "../../kernel/index.ts";

export const CREDIT_KINDS = ["paid", "promotional"] as const;
export type CreditKind = (typeof CREDIT_KINDS)[number];

/** A credit grant and what became of it: amount = used + expired + revoked + left. */
export interface Credit {
  id: string;
  customer: string;
  currency: string;
  kind: CreditKind;
  amount: Money;
  used: Money;
  expired: Money;
  /** Taken back by an operator. */
  revoked: Money;
  left: Money;
  priority: number;
  expires_at: string | null;
  reason: string;
  reference: string | null;
  granted_at: string;
}
