import type { Money } from "./api.ts";

export const NANO_DIGITS = 9;

/** Money as text, exactly: never through a number. */
export interface MoneyText {
  /** "−" or "". */
  sign: string;
  /** "1,234.56": down to the currency's minor unit. */
  main: string;
  /** What stands below the minor unit, without zeros at its end. */
  rest: string;
  currency: string;
}

export function moneyText({ currency, amount }: Money): MoneyText {
  const negative = amount.startsWith("-");
  const [whole = "0", fraction = ""] = amount.replace("-", "").split(".");
  const digits = minorDigits(currency);
  const padded = fraction.padEnd(digits, "0");
  const minor = padded.slice(0, digits);
  const rest = padded.slice(digits).replace(/0+$/, "");
  const grouped = whole.replaceAll(/\B(?=(\d{3})+(?!\d))/g, ",");
  return {
    sign: negative && !isZero({ currency, amount }) ? "−" : "",
    main: minor === "" ? grouped : `${grouped}.${minor}`,
    rest: digits === 0 && rest !== "" ? `.${rest}` : rest,
    currency,
  };
}

/** Its digits as a field takes them: nothing between thousands. */
export function fieldText(money: Money): string {
  const { main, rest } = moneyText(money);
  return `${main.replaceAll(",", "")}${rest}`;
}

export function isZero({ amount }: Money): boolean {
  return !/[1-9]/.test(amount);
}

export function isNegative({ amount }: Money): boolean {
  return amount.startsWith("-") && /[1-9]/.test(amount);
}

/** For lengths and places in charts only. */
export function approximately(amount: string): number {
  return Number(amount);
}

/** Exact sums of amounts of one currency. */
export function addMoney(currency: string, amounts: readonly string[]): Money {
  return { currency, amount: amountOf(sumOf(amounts)) };
}

/** What is left of an amount without others of its currency, exactly. */
export function lessMoney(amount: string, others: readonly string[]): string {
  return amountOf(nanosOf(amount) - sumOf(others));
}

const sumOf = (amounts: readonly string[]) => amounts.reduce((sum, amount) => sum + nanosOf(amount), 0n);

function amountOf(nanos: bigint): string {
  const text = (nanos < 0n ? -nanos : nanos).toString().padStart(NANO_DIGITS + 1, "0");
  return `${nanos < 0n ? "-" : ""}${text.slice(0, -NANO_DIGITS)}.${text.slice(-NANO_DIGITS)}`;
}

export function nanosOf(amount: string): bigint {
  const [whole = "0", fraction = ""] = amount.replace("-", "").split(".");
  const nanos = BigInt(whole + fraction.padEnd(NANO_DIGITS, "0").slice(0, NANO_DIGITS));
  return amount.startsWith("-") ? -nanos : nanos;
}

const known = new Map<string, number>();

/** Digits after the point: 2 for USD, 0 for JPY, 3 for KWD. */
export function minorDigits(currency: string): number {
  const digits = known.get(currency) ?? digitsOf(currency);
  known.set(currency, digits);
  return digits;
}

function digitsOf(currency: string): number {
  try {
    return (
      new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ??
      2
    );
  } catch {
    return 2;
  }
}
