/** A calendar month in UTC, "2023-11": of service, or of the books. Half-open: its end is the next month's start. */
export type Period = string & { readonly __brand: "Period" };

/** Reads "2023-11"; undefined for anything else. */
export function parsePeriod(text: string): Period | undefined {
  return /^[1-9]\d{3}-(0[1-9]|1[0-2])$/.test(text) ? (text as Period) : undefined;
}

export function nextPeriod(period: Period): Period {
  const [year, month] = yearAndMonth(period);
  return (month === 12 ? `${year + 1}-01` : `${year}-${String(month + 1).padStart(2, "0")}`) as Period;
}

/** The first day, "2023-11-01": the form of a period in PostgreSQL. */
export function firstDay(period: Period): string {
  return `${period}-01`;
}

/** @throws RangeError unless the text begins with a month. */
export function periodOfDay(day: string): Period {
  const period = parsePeriod(day.slice(0, 7));
  if (period === undefined) throw new RangeError(`${day} is no day`);
  return period;
}

/** When the period ends: the first moment of the next one. */
export function periodEnd(period: Period): Date {
  return new Date(`${nextPeriod(period)}-01T00:00:00Z`);
}

function yearAndMonth(period: Period): [number, number] {
  return [Number(period.slice(0, 4)), Number(period.slice(5, 7))];
}
