import { decimal, fraction, nearest, times } from "./fraction.ts";

const BUILT_IN = new Set(["predict_seconds", "input_tokens", "output_tokens", "images", "runs"]);
const METER_OF = new Map([
  ["predict_time", "predict_seconds"],
  ["input_token_count", "input_tokens"],
  ["prompt_tokens", "input_tokens"],
  ["output_token_count", "output_tokens"],
  ["completion_tokens", "output_tokens"],
  ["image_count", "images"],
]);
const LIMIT = 10n ** 15n;

/** Decimals of a meter: seconds are counted in microseconds, everything else in ones. */
export function decimalsOf(meter: string): number {
  return meter.endsWith("_seconds") || meter.endsWith("_time") ? 6 : 0;
}

/** Quantities by meter, integers at the meter's decimals; undefined when the event must be refused (design.md, 3 and 5). */
export function measure(metrics: Readonly<Record<string, unknown>>): Map<string, bigint> | undefined {
  const quantities = new Map([["runs", 1n]]);
  for (const [metric, value] of Object.entries(metrics)) {
    if (BUILT_IN.has(metric)) return undefined;
    const meter = METER_OF.get(metric) ?? metric;
    if (value === null || (typeof value !== "number" && meter === metric)) continue;
    const isMeterName = /^[a-z][a-z0-9_]{0,62}$/.test(meter);
    if (!isMeterName) continue;
    const quantity = count(value, decimalsOf(meter));
    if (quantity === undefined) return undefined;
    if ((quantities.get(meter) ?? quantity) !== quantity) return undefined;
    quantities.set(meter, quantity);
  }
  return quantities;
}

function count(value: unknown, decimals: number): bigint | undefined {
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) return undefined;
  const quantity = nearest(times(decimal(String(value)), fraction(10n ** BigInt(decimals))));
  return quantity <= LIMIT ? quantity : undefined;
}
