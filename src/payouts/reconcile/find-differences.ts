import { fromMinor } from "../../kernel/index.ts";
import type { BankPayout, ProviderMovement, ProviderTransfer } from "../provider-record.ts";
import type { Difference } from "./difference.ts";
import { movementDifferences } from "./movement-differences.ts";
import type { OurPayout } from "./our-payouts.ts";
import { payoutDifferences } from "./payout-differences.ts";
import { leftOf, payoutNamedBy } from "./transfers-at-provider.ts";

/** Both sides of a period, as they were read. */
export interface BothSides {
  payouts: OurPayout[];
  /** All since `since`, whoever made them, and those that our payouts name. */
  transfers: ProviderTransfer[];
  movements: ProviderMovement[];
  bankPayouts: BankPayout[];
  /** Payouts of other periods that the transfers name. */
  otherPayouts: ReadonlySet<string>;
  /** Since when the provider was read. */
  since: Date;
  /** What names no payout belongs to the period in whose paying time it was made. */
  from: Date;
  until: Date | null;
}

/** Every difference between our books and the provider's record of one period. Pure; the order is stable. */
export function findDifferences(sides: BothSides): Difference[] {
  const named = new Map<string, ProviderTransfer[]>(sides.payouts.map(({ id }) => [id, []]));
  const strangers: ProviderTransfer[] = [];
  const owners = new Map(
    sides.payouts.flatMap(({ id, transferId }) => (transferId ? [[transferId, id]] : [])),
  );
  for (const transfer of sides.transfers) {
    const list = named.get(owners.get(transfer.id) ?? payoutNamedBy(transfer) ?? "");
    if (list === undefined) strangers.push(transfer);
    else list.push(transfer);
  }
  return [
    ...sides.payouts.flatMap((payout) => payoutDifferences(payout, named.get(payout.id) ?? [])),
    ...strangers.filter((transfer) => isOfPeriod(sides, transfer)).flatMap((one) => ofStranger(sides, one)),
    ...movementDifferences(sides, (at) => isOfPeriod(sides, { createdAt: at })),
    ...failedAtBank(sides),
  ];
}

function isOfPeriod({ from, until }: BothSides, { createdAt }: { createdAt: Date }): boolean {
  return createdAt >= from && (until === null || createdAt < until);
}

/** A transfer that no payout of this period has made. Reversed as a whole it moved nothing. */
function ofStranger({ otherPayouts }: BothSides, transfer: ProviderTransfer): Difference[] {
  const names = payoutNamedBy(transfer);
  if (leftOf(transfer) === 0n || (names !== undefined && otherPayouts.has(names))) return [];
  const cause =
    names === undefined
      ? `transfer to ${transfer.account} that names no payout: made by hand or by another program`
      : `transfer for payout ${names}, which these books do not have: another installation on the same Stripe account, or books restored from an older backup`;
  return [
    {
      kind: names === undefined ? "transfer_foreign" : "transfer_of_unknown_payout",
      payout: names ?? null,
      payee: transfer.metadata.payee ?? null,
      reference: transfer.id,
      currency: transfer.currency,
      ours: 0n,
      theirs: fromMinor(transfer.currency, leftOf(transfer)),
      cause,
    },
  ];
}

/** Money that reached the payee's account at the provider and that the bank then refused. A later payout that arrived mends it. */
function failedAtBank(sides: BothSides): Difference[] {
  const payeeOf = new Map(sides.payouts.map(({ account, payee }) => [account, payee]));
  const arrivedLater = (failed: BankPayout) =>
    sides.bankPayouts.some(
      ({ account, currency, status, createdAt }) =>
        account === failed.account &&
        currency === failed.currency &&
        status === "paid" &&
        createdAt > failed.createdAt,
    );
  return sides.bankPayouts
    .filter((one) => one.status === "failed" && isOfPeriod(sides, one) && !arrivedLater(one))
    .map((failed) => ({
      kind: "bank_payout_failed",
      payout: null,
      payee: payeeOf.get(failed.account) ?? null,
      reference: failed.id,
      currency: failed.currency,
      ours: 0n,
      theirs: fromMinor(failed.currency, failed.amountMinor),
      cause: `the payee's bank refused the money (${failed.failure ?? "no reason given"}): it lies on ${failed.account} at Stripe until the payee corrects the bank account; nothing is to be booked here`,
    }));
}
