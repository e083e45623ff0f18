import { type Money, NANOS_PER_UNIT, type Nanos } from "./nanos.ts";

// ISO 4217 exponents other than two, and Stripe's exceptions (docs.stripe.com/currencies, "special cases"):
// ISK, HUF, TWD and UGX are sent with two digits but can only be paid out in whole units.
const ZERO_DIGITS = new Set("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(" "));
const THREE_DIGITS = new Set("BHD IQD JOD KWD LYD OMR TND".split(" "));
const WHOLE_UNITS_ONLY = new Set("ISK HUF TWD UGX".split(" "));

export const CURRENCY_PATTERN = /^[A-Z]{3}$/;

// ISO 4217, as Node's own list has it (Intl.supportedValuesOf). Written down, since a later one may lack what was taken before.
const CURRENCIES = new Set(
  (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP " +
    "CNY COP CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG " +
    "HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD " +
    "MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF " +
    "SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU " +
    "UZS VED VES VND VUV WST XAF XCD XCG XDR XOF XPF XSU YER ZAR ZMW ZWG ZWL"
  ).split(" "),
);

/** Whether it is a currency's code of ISO 4217. */
export function isCurrency(text: string): boolean {
  return CURRENCIES.has(text);
}

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

/** An amount as people are told it, wherever that is: "2.22 USD", "1000 JPY", "1.500 KWD". */
export function amountInWords(amount: Money): string {
  return `${digitsInWords(amount)} ${amount.currency}`;
}

/** Its digits alone: exact, without zeros below the currency's minor unit. SQL's `amount_in_words` says the same. */
export function digitsInWords({ currency, amount }: Money): string {
  const [whole = "", fraction = ""] = amount.split(".");
  const digits = fraction.replace(/0+$/, "").padEnd(minorDigits(currency), "0");
  return digits === "" ? whole : `${whole}.${digits}`;
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
