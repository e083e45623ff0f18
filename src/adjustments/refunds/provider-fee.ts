import { type Nanos, rational } from "../../kernel/index.ts";
import { allot } from "../../sharing/index.ts";
import { type AdjustmentPlan, byPayee } from "../lines/plan-adjustment.ts";
import type { RefundPolicy } from "./refund-policy.ts";

export interface Movement {
  account: string;
  /** In nanos; more than nothing is a credit. */
  amount: string;
}

/**
 * What it gives back of a fee, to those who bore it, by what they bore.
 * charged: the movements of the fee as it was booked; less than all of it: as much as came back.
 */
export function returnProviderFee(charged: readonly Movement[], backNanos?: Nanos): Movement[] {
  const borne = charged.filter(({ amount }) => amount.startsWith("-"));
  const feeNanos = borne.reduce((all, { amount }) => all - BigInt(amount), 0n);
  const nanos = backNanos === undefined || backNanos > feeNanos ? feeNanos : backNanos;
  if (nanos <= 0n) return [];
  const shares = allot(
    nanos,
    borne.map(({ amount }) => rational(-BigInt(amount))),
  );
  return [
    { account: "platform:received", amount: (-nanos).toString() },
    ...borne
      .map(({ account }, at) => ({ account, amount: (shares[at] ?? 0n).toString() }))
      .filter(({ amount }) => amount !== "0"),
  ];
}

/** What the provider charged for a refund or dispute: the platform's loss, or that of those who give back, by what they do. */
export function planProviderFee(
  feeNanos: Nanos,
  bearer: RefundPolicy["provider_fee"],
  plan: AdjustmentPlan,
): Movement[] {
  if (feeNanos === 0n) return [];
  const giving = [...byPayee(plan)].filter(([, nanos]) => nanos < 0n).sort(([a], [b]) => (a < b ? -1 : 1));
  const paid = { account: "platform:received", amount: feeNanos.toString() };
  if (bearer === "platform" || giving.length === 0)
    return [paid, { account: "platform:fees", amount: (-feeNanos).toString() }];
  const shares = allot(
    feeNanos,
    giving.map(([, nanos]) => rational(-nanos)),
  );
  const borne = giving.map(([payee], at) => ({ account: `payee:${payee}:payable`, nanos: shares[at] ?? 0n }));
  return [
    paid,
    ...borne
      .filter(({ nanos }) => nanos !== 0n)
      .map(({ account, nanos }) => ({ account, amount: (-nanos).toString() })),
  ];
}
