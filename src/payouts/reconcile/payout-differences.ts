import { fromMinor, type Nanos } from "../../kernel/index.ts";
import type { ProviderTransfer } from "../provider-record.ts";
import type { Difference, DifferenceKind } from "./difference.ts";
import type { OurPayout } from "./our-payouts.ts";
import { leftOf } from "./transfers-at-provider.ts";

/** What does not fit between one payout and the transfers that name it. */
export function payoutDifferences(payout: OurPayout, transfers: ProviderTransfer[]): Difference[] {
  const main =
    transfers.find(({ id }) => id === payout.transferId) ??
    transfers.find(({ metadata }) => payout.keys.includes(metadata.attempt ?? "")) ??
    transfers[0];
  const others = transfers.filter((transfer) => transfer !== main && leftOf(transfer) > 0n);
  return [
    ...ofState(payout, main),
    ...ofLedger(payout),
    ...(main === undefined ? [] : ofDetails(payout, main)),
    ...ofReversals(payout, main),
    ...others.map((transfer) => ofSecond(payout, transfer)),
  ];
}

function ofState(payout: OurPayout, main: ProviderTransfer | undefined): Difference[] {
  const { state, transferId, amountNanos } = payout;
  if (state === "paid") {
    if (main?.id === transferId) return [];
    const cause = `recorded as paid with ${transferId}, which Stripe does not have: a key of another account or mode, or a changed record`;
    return [difference(payout, "transfer_missing", transferId, amountNanos, 0n, cause)];
  }
  if (state === "sending" || state === "unknown") {
    const found =
      main === undefined
        ? "no transfer of it is at Stripe so far"
        : `Stripe made ${main.id}, whose answer was lost`;
    const cause = `${found}: pay again, which looks before it sends`;
    return [difference(payout, "outcome_open", main?.id ?? null, amountNanos, netOf(main), cause)];
  }
  if (main === undefined || leftOf(main) === 0n) return [];
  const cause = `Stripe paid this, but it counts as ${state} here and the payee still has the money in the books: do not pay it again; a late request, or books restored from an older backup`;
  return [difference(payout, "transfer_unrecorded", main.id, 0n, netOf(main), cause)];
}

function ofLedger(payout: OurPayout): Difference[] {
  const expected = payout.state === "paid" ? payout.amountNanos : 0n;
  if (payout.ledgerNanos === expected) return [];
  const cause = `the payout is ${payout.state}, but the ledger does not say the same: a changed record; run verify`;
  return [difference(payout, "ledger_differs", payout.transferId, payout.ledgerNanos, expected, cause)];
}

function ofDetails(payout: OurPayout, transfer: ProviderTransfer): Difference[] {
  const theirs = fromMinor(transfer.currency, transfer.amountMinor);
  const found = (kind: DifferenceKind, cause: string) =>
    difference(payout, kind, transfer.id, payout.amountNanos, theirs, cause);
  const differences: Difference[] = [];
  if (transfer.currency !== payout.currency)
    differences.push(found("currency_differs", `paid in ${transfer.currency} instead of ${payout.currency}`));
  else if (theirs !== payout.amountNanos)
    differences.push(
      found("amount_differs", "the transfer has another amount than the payout: one of the two was changed"),
    );
  if (transfer.account !== payout.account)
    differences.push(
      found("destination_differs", `went to ${transfer.account} instead of ${payout.account}`),
    );
  const wrong = wrongMetadata(payout, transfer);
  if (wrong.length > 0)
    differences.push(
      found(
        "metadata_differs",
        `${wrong.join(", ")} of the transfer is not ours: edited at Stripe, or made by another installation`,
      ),
    );
  return differences;
}

function wrongMetadata(payout: OurPayout, { metadata, group }: ProviderTransfer): string[] {
  const asked: [name: string, right: boolean][] = [
    ["payee", metadata.payee === payout.payee],
    ["payout", metadata.payout === payout.id],
    ["period", metadata.period === payout.period],
    ["attempt", payout.keys.includes(metadata.attempt ?? "")],
    ["transfer_group", group === payout.id],
  ];
  return asked.filter(([, right]) => !right).map(([name]) => name);
}

function ofReversals(payout: OurPayout, main: ProviderTransfer | undefined): Difference[] {
  const at = new Map(main?.reversals.map(({ id, amountMinor }) => [id, amountMinor]));
  const booked = new Map(payout.booked.map(({ reversal, amountNanos }) => [reversal, amountNanos]));
  const unbooked = [...at].flatMap(([id, minor]) => {
    const [ours, theirs] = [booked.get(id) ?? 0n, fromMinor(payout.currency, minor)];
    if (payout.state !== "paid" || ours === theirs) return [];
    const cause =
      "the transfer was reversed at Stripe after it was paid, and that is not booked: decide and book the reversal";
    return [difference(payout, "reversed", id, ours, theirs, cause)];
  });
  const gone = [...booked].flatMap(([id, ours]) =>
    at.has(id)
      ? []
      : [
          difference(
            payout,
            "reversal_missing",
            id,
            ours,
            0n,
            "booked here, but Stripe has no such reversal",
          ),
        ],
  );
  return [...unbooked, ...gone];
}

function ofSecond(payout: OurPayout, transfer: ProviderTransfer): Difference {
  const isOurs = payout.keys.includes(transfer.metadata.attempt ?? "");
  const whose = isOurs
    ? "made by a later attempt of ours"
    : "under a key that this installation never used: another installation, or made by hand";
  return difference(
    payout,
    "transfer_twice",
    transfer.id,
    0n,
    netOf(transfer),
    `a second transfer for one payout, ${whose}: reverse it at Stripe`,
  );
}

function netOf(transfer: ProviderTransfer | undefined): Nanos {
  return transfer === undefined ? 0n : fromMinor(transfer.currency, leftOf(transfer));
}

function difference(
  { id: payout, payee, currency }: OurPayout,
  kind: DifferenceKind,
  reference: string | null,
  ours: Nanos,
  theirs: Nanos,
  cause: string,
): Difference {
  return { kind, payout, payee, reference, currency, ours, theirs, cause };
}
