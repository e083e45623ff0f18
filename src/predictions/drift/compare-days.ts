import { DEVIATIONS, difference, type Rate } from "../insight/success-rate.ts";

/** Fewer say nothing of how much days differ from each other. */
const DAYS_MIN = 5;

/**
 * The mean of some days less that of days before, where one day differs from the next for reasons of its own (weekdays, holidays):
 * how much they do is taken from the days before. Null when they are fewer than five.
 */
export function daysApart(
  days: readonly number[],
  before: readonly number[],
): { now: number; before: number; difference: Rate } | null {
  if (days.length === 0 || before.length < DAYS_MIN) return null;
  const mean = meanOf(before);
  const variance = meanOf(before.map((day) => (day - mean) ** 2)) * (before.length / (before.length - 1));
  const half =
    studentsDeviations(before.length - 1) * Math.sqrt(variance * (1 / days.length + 1 / before.length));
  const now = meanOf(days);
  const value = now - mean;
  return { now, before: mean, difference: { value, low: value - half, high: value + half } };
}

/** Two figures with bounds of their own. */
export function ratesApart(
  now: Rate | null,
  before: Rate | null,
): { now: number; before: number; difference: Rate } | null {
  const apart = difference(now, before);
  if (now === null || before === null || apart === null) return null;
  return { now: now.value, before: before.value, difference: apart };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Student's t, two-sided, 95 %: the expansion of Fisher and Cornish about the normal one, within 0.3 % from four degrees on. */
function studentsDeviations(degrees: number): number {
  const z = DEVIATIONS;
  return (
    z +
    (z ** 3 + z) / (4 * degrees) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3)
  );
}
