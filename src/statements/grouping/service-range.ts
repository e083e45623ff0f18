/** Service days, half-open. */
export interface ServiceRange {
  from: string;
  to: string;
}

const DAY_MS = 86_400_000;

/** The ISO 8601 week of a day, "2023-W46": it belongs to the year that has its Thursday. */
export function weekOf(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  const thursday = new Date(date.getTime() + (4 - (date.getUTCDay() || 7)) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) + 1;
  return `${year}-W${String(week).padStart(2, "0")}`;
}

/** The range before, as long: as many months before whole months, as many days otherwise. */
export function previousRange({ from, to }: ServiceRange): ServiceRange {
  const [start, end] = [new Date(`${from}T00:00:00Z`), new Date(`${to}T00:00:00Z`)];
  const months = monthsOf(end) - monthsOf(start);
  const before =
    from.endsWith("-01") && to.endsWith("-01") && months > 0
      ? new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() - months, 1))
      : new Date(start.getTime() - (end.getTime() - start.getTime()));
  return { from: before.toISOString().slice(0, 10), to: from };
}

function monthsOf(date: Date): number {
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}
