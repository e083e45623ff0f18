import { multiply, parseDecimal, type Rational, rational, roundHalfEven } from "../kernel/index.ts";
import { isBuiltInMeter, METER_PATTERN, meterScale } from "../pricing/index.ts";
import type { EventRefusal } from "./usage-event.ts";

/** Which metrics of which runtime move which built-in meter. */
const METER_OF_METRIC: Record<string, string> = {
  predict_time: "predict_seconds",
  input_token_count: "input_tokens",
  prompt_tokens: "input_tokens",
  output_token_count: "output_tokens",
  completion_tokens: "output_tokens",
  image_count: "images",
};

/** A quantity at its meter's scale is at most this much per event. */
const QUANTITY_MAX = 10n ** 15n;
const METRICS_MAX = 64;

/**
 * Turns reported metrics into meter quantities, and one run. Metrics without a number, or with a name that no price
 * can have, are left out; a bad number is refused, since leaving it out would change what is charged.
 */
export function readQuantities(metrics: Record<string, unknown>): Map<string, bigint> | EventRefusal {
  const names = Object.keys(metrics);
  if (names.length > METRICS_MAX) {
    return { code: "quantity_invalid", message: `data.metrics: at most ${METRICS_MAX} metrics` };
  }
  const quantities = new Map<string, bigint>([["runs", 1n]]);
  for (const name of names) {
    if (isBuiltInMeter(name)) {
      return {
        code: "meter_forged",
        message: `data.metrics.${name}: a meter's own name is not a metric; report what was measured (predict_time, input_token_count, …)`,
      };
    }
    const known = Object.hasOwn(METER_OF_METRIC, name);
    const value = metrics[name];
    if (typeof value !== "number") {
      if (known && value !== null) return invalid(name);
      continue;
    }
    if (!known && !METER_PATTERN.test(name)) continue;
    const meter = (known ? METER_OF_METRIC[name] : undefined) ?? name;
    const quantity = toQuantity(value, meterScale(meter));
    if (quantity === undefined) return invalid(name);
    const other = quantities.get(meter);
    if (other !== undefined && other !== quantity) {
      return {
        code: "metrics_disagree",
        message: `data.metrics.${name}: another metric for ${meter} says otherwise`,
      };
    }
    quantities.set(meter, quantity);
  }
  return quantities;
}

function invalid(name: string): EventRefusal {
  const shown = name.slice(0, 64).toWellFormed().replaceAll("\u0000", "");
  return {
    code: "quantity_invalid",
    message: `data.metrics.${shown}: a number from 0 to 10^15 of the meter's units`,
  };
}

/** Rounds half-even to the meter's scale, from the shortest decimal text of the number; undefined when not acceptable. */
function toQuantity(value: number, scale: number): bigint | undefined {
  if (!Number.isFinite(value) || value < 0 || value > 1e15) return undefined;
  const quantity = roundHalfEven(multiply(shortestDecimal(value), rational(10n ** BigInt(scale))));
  return quantity > QUANTITY_MAX ? undefined : quantity;
}

function shortestDecimal(value: number): Rational {
  const [mantissa = "", exponent = "0"] = value.toString().split("e");
  const digits = parseDecimal(mantissa) ?? rational(0n);
  const power = 10n ** BigInt(Math.abs(Number(exponent)));
  return multiply(digits, Number(exponent) < 0 ? rational(1n, power) : rational(power));
}
