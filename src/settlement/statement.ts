import { contentHash, formatNanos, type Money, money, type Nanos, type Period } from "../kernel/index.ts";

export interface StatementLine {
  model: string;
  reason: string;
  /** The model whose shares paid it: another than `model` for a royalty. */
  paid_by: string;
  service_month: string;
  events: string;
  gross: Money;
  /** earned ÷ gross, six digits, cut off. */
  share: string;
  earned: Money;
}

/** Money that was exchanged before it was paid out, with the rate it was exchanged at. */
export interface StatementConversion {
  id: string;
  from: Money;
  to: Money;
  rate: string;
  source: string;
}

/** What a creator gets for one period and currency. `hash` is the SHA-256 of the canonical JSON of all the rest. */
export interface Statement {
  period: Period;
  payee: string;
  currency: string;
  opening: Money;
  earned: Money;
  adjustments: Money;
  /** What the payee used as a customer, paid out of these earnings. */
  netted: Money;
  /** Kept back from what was earned, until customers pay or a reserve is due. */
  held: Money;
  /** Kept back earlier, and let go. */
  released: Money;
  /** What conversions added to this currency's balance, or took from it. */
  converted: Money;
  paid: Money;
  closing: Money;
  lines: StatementLine[];
  conversions: StatementConversion[];
  hash: string;
}

export interface StatementFigures {
  payee: string;
  currency: string;
  openingNanos: Nanos;
  earnedNanos: Nanos;
  adjustmentsNanos: Nanos;
  nettedNanos: Nanos;
  heldNanos: Nanos;
  releasedNanos: Nanos;
  convertedNanos: Nanos;
  /** What left the payable balance for payouts, net of what came back. */
  paidNanos: Nanos;
}

export interface LineFigures {
  model: string;
  reason: string;
  paid_by: string;
  service_month: string;
  events: string;
  grossNanos: Nanos;
  earnedNanos: Nanos;
}

/** Writes a statement from the books' figures: pure. closing = opening + earned + adjustments − netted − held + released + converted − paid. */
export function buildStatement(
  period: Period,
  figures: StatementFigures,
  lines: readonly LineFigures[],
  conversions: readonly StatementConversion[] = [],
): Statement {
  const { payee, currency } = figures;
  const content = {
    period,
    payee,
    currency,
    opening: money(currency, figures.openingNanos),
    earned: money(currency, figures.earnedNanos),
    adjustments: money(currency, figures.adjustmentsNanos),
    netted: money(currency, figures.nettedNanos),
    held: money(currency, figures.heldNanos),
    released: money(currency, figures.releasedNanos),
    converted: money(currency, figures.convertedNanos),
    paid: money(currency, figures.paidNanos),
    closing: money(currency, closingNanosOf(figures)),
    lines: lines.map(({ grossNanos, earnedNanos, ...line }) => ({
      ...line,
      gross: money(currency, grossNanos),
      share: shareOf(earnedNanos, grossNanos),
      earned: money(currency, earnedNanos),
    })),
    conversions: [...conversions],
  };
  return { ...content, hash: contentHash(content) };
}

export function closingNanosOf(figures: StatementFigures): Nanos {
  const { openingNanos, earnedNanos, adjustmentsNanos, nettedNanos, heldNanos, releasedNanos } = figures;
  const { convertedNanos, paidNanos } = figures;
  return (
    openingNanos +
    earnedNanos +
    adjustmentsNanos -
    nettedNanos -
    heldNanos +
    releasedNanos +
    convertedNanos -
    paidNanos
  );
}

function shareOf(earnedNanos: Nanos, grossNanos: Nanos): string {
  // As nanos of a ratio, the last three digits left out.
  return grossNanos === 0n
    ? "0.000000"
    : formatNanos((earnedNanos * 1_000_000_000n) / grossNanos).slice(0, -3);
}
