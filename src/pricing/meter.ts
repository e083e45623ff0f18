/** A meter that every event may move, whatever its price; other metrics count only where a price names them. */
export const BUILT_IN_METERS = [
  "predict_seconds",
  "input_tokens",
  "output_tokens",
  "images",
  "runs",
] as const;

export const METER_PATTERN = /^[a-z][a-z0-9_]{0,62}$/;

/**
 * Digits after the point of a meter's quantity: times are counted in microseconds, everything else in whole units.
 * A quantity is always an integer at this scale (12.5 s is 12500000n).
 */
export function meterScale(meter: string): 0 | 6 {
  return /_(seconds|time)$/.test(meter) ? 6 : 0;
}

export function isBuiltInMeter(meter: string): boolean {
  return (BUILT_IN_METERS as readonly string[]).includes(meter);
}
