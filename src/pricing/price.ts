import { z } from "zod";
import {
  CURRENCY_PATTERN,
  isCurrency,
  isPowerOfTen,
  multiply,
  parseDecimal,
  type Rational,
  rational,
} from "../kernel/index.ts";
import { METER_PATTERN, meterScale } from "./meter.ts";

export const USAGE_STATUSES = ["succeeded", "failed", "canceled", "aborted"] as const;
export type UsageStatus = (typeof USAGE_STATUSES)[number];

const DEFAULT_CHARGE_STATUSES: UsageStatus[] = ["succeeded", "canceled"];

/** "0.65": major units of the currency, at most twelve decimals, not negative. */
export const Amount = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,12})?$/, 'a decimal string such as "0.65", not negative, at most 12 decimals')
  .meta({ example: "0.65" });

export const Per = z
  .string()
  .refine(isPowerOfTen, 'a power of ten such as "1", "1000" or "1000000"')
  .meta({ example: "1000000", description: "The amount is charged per this many units; a power of ten." });

const CURRENCY_EXPECTED = 'a currency of ISO 4217 in capitals, such as "USD"';
export const Currency = z
  .string()
  .regex(CURRENCY_PATTERN, { error: CURRENCY_EXPECTED, abort: true })
  .refine(isCurrency, CURRENCY_EXPECTED)
  .meta({ example: "USD" });

export const Meter = z
  .string()
  .regex(METER_PATTERN, 'a meter name in lower case, such as "input_tokens"')
  .meta({ example: "input_tokens" });

export const PriceComponent = z
  .strictObject({
    meter: Meter,
    amount: Amount,
    per: Per,
    max_per_event: z
      .string()
      .regex(/^\d{1,15}$/, "a whole number of the meter's units")
      .optional()
      .meta({
        description:
          "More than this of one event is not charged, in the meter's units (seconds, tokens); the metric is the payee's own meter.",
      }),
  })
  .meta({ id: "PriceComponent" });
export type PriceComponent = z.infer<typeof PriceComponent>;

export const PriceTerms = z.strictObject({
  currency: Currency,
  charge_statuses: z
    .array(z.enum(USAGE_STATUSES))
    .min(1)
    .default(DEFAULT_CHARGE_STATUSES)
    .overwrite((statuses) => USAGE_STATUSES.filter((status) => statuses.includes(status))),
  components: z
    .array(PriceComponent)
    .min(1)
    .max(32)
    .refine(
      (components) => new Set(components.map((c) => c.meter)).size === components.length,
      "each meter once",
    )
    // Their order says nothing: the same components are the same price.
    .overwrite((components) => components.toSorted((a, b) => (a.meter < b.meter ? -1 : 1))),
});
export type PriceTerms = z.infer<typeof PriceTerms>;

/** Major units of the currency for one unit at the meter's scale, exact: 0.65 per 10^6 tokens is 65/10^8. */
export function unitAmount(component: Pick<PriceComponent, "meter" | "amount" | "per">): Rational {
  const amount = parseDecimal(component.amount) ?? rational(0n);
  const units = BigInt(component.per) * 10n ** BigInt(meterScale(component.meter));
  return multiply(amount, rational(1n, units));
}
