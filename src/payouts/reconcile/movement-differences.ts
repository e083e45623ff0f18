import { fromMinor } from "../../kernel/index.ts";
import type { ProviderMovement } from "../provider-record.ts";
import type { Difference } from "./difference.ts";
import type { BothSides } from "./find-differences.ts";
import { payoutNamedBy } from "./transfers-at-provider.ts";

/** Something that must have moved the platform's balance, and by how much. */
interface Expected {
  reference: string;
  movementId: string | null;
  currency: string;
  amountMinor: bigint;
  payout: string | null;
  payee: string | null;
}

/** The provider's own two records against each other: each transfer and reversal is one movement of the balance. */
export function movementDifferences(
  { transfers, movements, since }: BothSides,
  isOfPeriod: (at: Date) => boolean,
): Difference[] {
  const byId = new Map(movements.map((movement) => [movement.id, movement]));
  const explained = new Set<string>();
  const differences: Difference[] = [];
  for (const transfer of transfers) {
    const whose = { payout: payoutNamedBy(transfer) ?? null, payee: transfer.metadata.payee ?? null };
    const { currency } = transfer;
    const made = [
      { ...transfer, amountMinor: -transfer.amountMinor },
      ...transfer.reversals.map((reversal) => ({ ...reversal, currency })),
    ];
    for (const { id: reference, movementId, amountMinor, createdAt } of made) {
      if (movementId !== null) explained.add(movementId);
      if (createdAt < since || !isOfPeriod(transfer.createdAt)) continue;
      const movement = movementId === null ? undefined : byId.get(movementId);
      differences.push(...against({ reference, movementId, currency, amountMinor, ...whose }, movement));
    }
  }
  const unexplained = movements.filter(
    // A reversal may belong to a transfer from before this reading.
    ({ id, kind, createdAt }) => !explained.has(id) && kind !== "reversal" && isOfPeriod(createdAt),
  );
  return [...differences, ...unexplained.map(ofUnexplained)];
}

function against(expected: Expected, movement: ProviderMovement | undefined): Difference[] {
  const { reference, currency, payout, payee } = expected;
  const ours = fromMinor(currency, expected.amountMinor);
  const found = { payout, payee, currency, ours };
  if (movement === undefined) {
    const cause = `Stripe lists no balance transaction for ${reference}: ask again later, then ask Stripe`;
    return [{ ...found, kind: "movement_missing", reference: expected.movementId, theirs: 0n, cause }];
  }
  if (movement.currency === currency && movement.amountMinor === expected.amountMinor) return [];
  const theirs = fromMinor(movement.currency, movement.amountMinor);
  const cause = `${reference} moved Stripe's balance by another amount or in another currency (${movement.currency}): a conversion or a fee`;
  return [{ ...found, kind: "movement_differs", reference: movement.id, theirs, cause }];
}

function ofUnexplained({ id, kind, currency, amountMinor, source }: ProviderMovement): Difference {
  const cause =
    kind === "undone"
      ? `Stripe took transfer ${source ?? "?"} back by itself: the payee may not have been paid`
      : `a balance transaction for ${source ?? "nothing named"}, of which Stripe lists no transfer`;
  const theirs = fromMinor(currency, amountMinor);
  return {
    kind: "movement_unexplained",
    payout: null,
    payee: null,
    reference: id,
    currency,
    ours: 0n,
    theirs,
    cause,
  };
}
