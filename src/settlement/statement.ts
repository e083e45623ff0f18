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
  paid: Money;
  closing: Money;
  lines: StatementLine[];
  hash: string;
}

export interface StatementFigures {
  payee: string;
  currency: string;
  openingNanos: Nanos;
  earnedNanos: Nanos;
  adjustmentsNanos: Nanos;
  nettedNanos: Nanos;
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

/** Writes a statement from the books' figures: pure. closing = opening + earned + adjustments − netted − paid. */
export function buildStatement(
  period: Period,
  figures: StatementFigures,
  lines: readonly LineFigures[],
): Statement {
  const { payee, currency } = figures;
  const closingNanos =
    figures.openingNanos +
    figures.earnedNanos +
    figures.adjustmentsNanos -
    figures.nettedNanos -
    figures.paidNanos;
  const content = {
    period,
    payee,
    currency,
    opening: money(currency, figures.openingNanos),
    earned: money(currency, figures.earnedNanos),
    adjustments: money(currency, figures.adjustmentsNanos),
    netted: money(currency, figures.nettedNanos),
    paid: money(currency, figures.paidNanos),
    closing: money(currency, closingNanos),
    lines: lines.map(({ grossNanos, earnedNanos, ...line }) => ({
      ...line,
      gross: money(currency, grossNanos),
      share: shareOf(earnedNanos, grossNanos),
      earned: money(currency, earnedNanos),
    })),
  };
  return { ...content, hash: contentHash(content) };
}

function shareOf(earnedNanos: Nanos, grossNanos: Nanos): string {
  // As nanos of a ratio, the last three digits left out.
  return grossNanos === 0n
    ? "0.000000"
    : formatNanos((earnedNanos * 1_000_000_000n) / grossNanos).slice(0, -3);
}
