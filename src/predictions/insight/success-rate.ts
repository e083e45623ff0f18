/** An estimate with the bounds between which the true figure lies, 95 times of 100. */
export interface Rate {
  value: number;
  low: number;
  high: number;
}

/** 97.5 % of a normal distribution lie below this many deviations. */
export const DEVIATIONS = 1.959964;

/** Wilson's interval: right for few runs too, and never outside of 0 to 1. Null when nothing was tried. */
export function successRate(succeeded: number, tried: number): Rate | null {
  if (tried === 0) return null;
  const value = succeeded / tried;
  const squared = DEVIATIONS ** 2;
  const middle = (value + squared / (2 * tried)) / (1 + squared / tried);
  const half =
    (DEVIATIONS * Math.sqrt((value * (1 - value)) / tried + squared / (4 * tried ** 2))) /
    (1 + squared / tried);
  return { value, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/**
 * One figure less another that does not depend on it; null when one of them is not known. Of two rates it is Newcombe's interval;
 * the same holds for other figures with bounds of their own (Zou and Donner 2008, MOVER).
 */
export function difference(a: Rate | null, b: Rate | null): Rate | null {
  if (a === null || b === null) return null;
  const value = a.value - b.value;
  const below = Math.hypot(a.value - a.low, b.high - b.value);
  const above = Math.hypot(a.high - a.value, b.value - b.low);
  return { value, low: value - below, high: value + above };
}
