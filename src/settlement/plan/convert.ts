import {
  floor,
  type Money,
  money,
  multiply,
  type Nanos,
  parseDecimal,
  present,
  rational,
} from "../../kernel/index.ts";

/** What one unit of a currency gives in another, as an operator stored it. */
export interface Rate {
  rateNo: number;
  /** An exact decimal. */
  rate: string;
  source: string;
}

/** Money of a payee that is exchanged before it is paid out. */
export interface PlannedConversion {
  id: string;
  payee: string;
  from: Money;
  from_nanos: string;
  to: Money;
  to_nanos: string;
  rate: string;
  rate_no: number;
  source: string;
}

export function rateKey(from: string, to: string): string {
  return `${from} ${to}`;
}

/** Floored to a nano: nobody gets more than the rate gives. */
export function convertedNanos(fromNanos: Nanos, rate: Rate): Nanos {
  return floor(multiply(rational(fromNanos), present(parseDecimal(rate.rate), "a rate")));
}

export function planConversion(
  period: string,
  payee: string,
  from: { currency: string; nanos: Nanos },
  to: string,
  rate: Rate,
): PlannedConversion {
  const toNanos = convertedNanos(from.nanos, rate);
  return {
    id: `fx_${period}_${payee}_${from.currency}_${to}`,
    payee,
    from: money(from.currency, from.nanos),
    from_nanos: from.nanos.toString(),
    to: money(to, toNanos),
    to_nanos: toNanos.toString(),
    rate: rate.rate,
    rate_no: rate.rateNo,
    source: rate.source,
  };
}
