const MONTHS = "January February March April May June July August September October November December".split(
  " ",
);

/** "2023-11" → "November 2023". */
export function monthName(period: string): string {
  const [year = "", month = "1"] = period.split("-");
  return `${MONTHS[Number(month) - 1]} ${year}`;
}

export function shortMonth(period: string): string {
  const [year = "", month = "1"] = period.split("-");
  return `${MONTHS[Number(month) - 1]?.slice(0, 3)} ${year}`;
}

/** "2023-11-16" or a time → "16 Nov 2023", in UTC. */
export function dayName(text: string): string {
  const [year = "", month = "1", day = "1"] = text.slice(0, 10).split("-");
  return [Number(day), MONTHS[Number(month) - 1]?.slice(0, 3), year].join("\u00a0");
}

/** "16 Nov 2023, 18:17:03 UTC", where a line breaks before the time of day or not at all. */
export function timeName(text: string): string {
  const iso = new Date(text).toISOString();
  return `${dayName(iso)}, ${iso.slice(11, 19)}\u00a0UTC`;
}

/** The first day of a month, and of the one after it. */
export function monthRange(period: string): { from: string; to: string } {
  return { from: `${period}-01`, to: `${addMonths(period, 1)}-01` };
}

export function addMonths(period: string, months: number): string {
  const [year = "2000", month = "1"] = period.split("-");
  const at = Number(year) * 12 + Number(month) - 1 + months;
  return `${Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, "0")}`;
}

export function thisMonth(): string {
  return new Date().toISOString().slice(0, 7);
}

/** How long ago a month ended, for the age of what waits: "3 months". */
export function ageOf(period: string): string {
  const [now, then] = [thisMonth(), period].map((text) => {
    const [year = "0", month = "1"] = text.split("-");
    return Number(year) * 12 + Number(month);
  });
  const months = (now ?? 0) - (then ?? 0);
  if (months <= 0) return "this month";
  return months === 1 ? "1 month" : `${months} months`;
}

/** "1234567.25" → "1,234,567.25": only what stands before the point is grouped. */
export function count(text: string | number): string {
  const [whole = "0", fraction] = String(text).split(".");
  const grouped = whole.replaceAll(/\B(?=(\d{3})+(?!\d))/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** "1 payout", "2 payouts". */
export function numberOf(number: number, what: string): string {
  return `${count(number)} ${what}${number === 1 ? "" : "s"}`;
}

/** "0.761904" → "76.19 %". */
export function percent(fraction: string): string {
  const [whole = "0", digits = ""] = fraction.split(".");
  const shifted = `${whole}${digits.padEnd(4, "0")}`;
  const at = shifted.length - digits.padEnd(4, "0").length + 2;
  const left = shifted.slice(0, at).replace(/^0+(?=\d)/, "");
  return `${left}.${shifted.slice(at, at + 2)} %`;
}
