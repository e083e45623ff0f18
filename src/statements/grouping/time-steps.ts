import { type ServiceRange, weekOf } from "./service-range.ts";

const DAY_MS = 86_400_000;

/** Every day, ISO week or month that a range touches, in order, under the names that earnings are grouped by. */
export function stepsOf({ from, to }: ServiceRange, step: "day" | "week" | "month"): string[] {
  const nameOf = { day: (day: string) => day, week: weekOf, month: (day: string) => day.slice(0, 7) }[step];
  const names = new Set<string>();
  const end = Date.parse(`${to}T00:00:00Z`);
  for (let at = Date.parse(`${from}T00:00:00Z`); at < end; at += DAY_MS)
    names.add(nameOf(new Date(at).toISOString().slice(0, 10)));
  return [...names];
}
