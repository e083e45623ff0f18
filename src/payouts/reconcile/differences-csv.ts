import type { ReconcileReport } from "./reconcile.ts";

const COLUMNS = ["kind", "payout", "payee", "reference", "currency", "ours", "theirs", "difference", "cause"];

/** The differences as RFC 4180: one row each under a heading, amounts as decimals. */
export function differencesCsv({ differences }: ReconcileReport): string {
  const rows = differences.map(
    ({ kind, payout, payee, reference, currency, ours, theirs, difference, cause }) => [
      kind,
      payout ?? "",
      payee ?? "",
      reference ?? "",
      currency,
      ours.amount,
      theirs.amount,
      difference.amount,
      cause,
    ],
  );
  return [COLUMNS, ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

/** A spreadsheet would run what begins like a formula; numbers, negative ones too, stay numbers. */
function field(text: string): string {
  const safe = /^[=+@\t\r]/.test(text) || /^-(?![\d.]+$)/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
