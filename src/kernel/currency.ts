import { NANOS_PER_UNIT, type Nanos } from "./nanos.ts";

// ISO 4217 exponents other than two, and Stripe's exceptions (docs.stripe.com/currencies, "special cases"):
// ISK, HUF, TWD and UGX are sent with two digits but can only be paid out in whole units.
const ZERO_DIGITS = new Set("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(" "));
const THREE_DIGITS = new Set("BHD IQD JOD KWD LYD OMR TND".split(" "));
const WHOLE_UNITS_ONLY = new Set("ISK HUF TWD UGX".split(" "));

export const CURRENCY_PATTERN = /^[A-Z]{3}$/;

/** Digits after the point in the currency's minor unit: 2 for USD, 0 for JPY, 3 for KWD. */
export function minorDigits(currency: string): number {
  if (ZERO_DIGITS.has(currency)) return 0;
  return THREE_DIGITS.has(currency) ? 3 : 2;
}

/** Nanos in one minor unit (a cent: 10,000,000). */
export function nanosPerMinor(currency: string): Nanos {
  return NANOS_PER_UNIT / 10n ** BigInt(minorDigits(currency));
}

/** The smallest step of a payout, in nanos: the minor unit, or a whole unit where Stripe pays no cents. */
export function payoutStep(currency: string): Nanos {
  return WHOLE_UNITS_ONLY.has(currency) ? NANOS_PER_UNIT : nanosPerMinor(currency);
}

/** What can be paid of a balance: the largest multiple of the payout step not above it; zero for a debt. */
export function payableFloor(currency: string, balanceNanos: Nanos): Nanos {
  const step = payoutStep(currency);
  return balanceNanos <= 0n ? 0n : (balanceNanos / step) * step;
}

/** @throws RangeError when the amount is no whole number of minor units. */
export function toMinor(currency: string, amountNanos: Nanos): bigint {
  const unit = nanosPerMinor(currency);
  if (amountNanos % unit !== 0n)
    throw new RangeError(`${amountNanos} nanos is no whole minor unit of ${currency}`);
  return amountNanos / unit;
}

/** What a number of minor units is in nanos: the inverse of `toMinor`. */
export function fromMinor(currency: string, amountMinor: bigint): Nanos {
  return amountMinor * nanosPerMinor(currency);
}
