import { requireHappened } from "../../billing/index.ts";
import { money, type Nanos } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { noDebt, notOwed } from "../lines/post-adjustment.ts";

/** Money that passed between a customer and the marketplace elsewhere, for what stands on the customer's account. */
export interface CustomerMoneyAsked {
  /** repayment: to the customer, of what it is owed; payment: from the customer, of what it owes and no invoice asks for. */
  kind: "repayment" | "payment";
  customer: string;
  currency: string;
  amount: string;
  /** When the money went, RFC 3339. */
  paid_at: string;
  /** The bank's or the payer's name for it. */
  reference: string;
}

/**
 * What booking it moves: the receivable and what was received; nobody gains or loses by it. The database asks for the bound again.
 * @throws Refusal refund_too_large, payment_too_large, body_invalid
 */
export async function planCustomerMoney(
  sql: Sql,
  { kind, customer, currency, paid_at }: CustomerMoneyAsked,
  amountNanos: Nanos,
): Promise<{ account: string; amount: string }[]> {
  requireHappened(new Date(paid_at));
  const [owed] = await sql<[{ repayable: string; debt: string }]>`
    SELECT repayable(${customer}, ${currency})::text AS repayable,
      greatest(0, -left_by_adjustments(${customer}, ${currency}))::text AS debt`;
  const mostNanos = BigInt(kind === "repayment" ? owed.repayable : owed.debt);
  const most = money(currency, mostNanos);
  if (amountNanos > mostNanos) throw kind === "repayment" ? notOwed(most) : noDebt(most);
  const signed = kind === "repayment" ? -amountNanos : amountNanos;
  return [
    { account: `customer:${customer}:receivable`, amount: signed.toString() },
    { account: "platform:received", amount: (-signed).toString() },
  ];
}
