import { csvRow } from "../../kernel/index.ts";
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
  return [COLUMNS, ...rows].map(csvRow).join("");
}
