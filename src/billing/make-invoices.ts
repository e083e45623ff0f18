import { firstDay, type Money, money, type Period, Refusal } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";
import { expireCredits } from "./credits/expire-credits.ts";
import { releaseHeld } from "./release-rule.ts";
import { countSpend } from "./spend/count-spend.ts";

export interface InvoiceTotals {
  currency: string;
  invoices: number;
  lines: number;
  /** Exact decimals in major units: gross + carried_in = netted + amount + carried_out. */
  gross: string;
  carried_in: string;
  netted: Money;
  amount: Money;
  carried_out: string;
}

/**
 * Makes the invoices of a closed period, once: repeated, they are the same ones. A dry run only says what they would be.
 * @throws Refusal period_not_closed or earlier_invoices_missing
 */
export async function makeInvoices(
  sql: Sql,
  period: Period,
  { by, dryRun = false }: { by: string; dryRun?: boolean },
): Promise<InvoiceTotals[]> {
  const day = firstDay(period);
  const made = await sql`SELECT FROM invoice_run WHERE period = ${day}`;
  try {
    if (!dryRun) {
      // What is invoiced is counted, and credits whose time is over do not pay it.
      await countSpend(sql);
      await expireCredits(sql);
      await sql`SELECT make_invoices(${day}, ${by})`;
      // What is held for invoices of nothing waits for nobody.
      await releaseHeld(sql);
    }
    if (dryRun && made.length === 0) await sql`SELECT require_invoices_due(${day})`;
  } catch (error) {
    throw refusalOf(error, period);
  }
  return totalsOf(sql, day, dryRun && made.length === 0 ? "drafted" : "made");
}

async function totalsOf(sql: Sql, day: string, which: "drafted" | "made"): Promise<InvoiceTotals[]> {
  const invoices = which === "made" ? sql`invoice WHERE period = ${day}` : sql`draft_invoices(${day}::date)`;
  const rows = await sql<(Omit<InvoiceTotals, "netted" | "amount"> & { netted: string; nanos: string })[]>`
    SELECT currency, count(*)::int AS invoices, sum(lines)::int AS lines, trim_scale(sum(gross))::text AS gross,
      trim_scale(sum(carried_in))::text AS carried_in, sum(netted_nanos)::text AS netted, sum(amount_nanos)::text AS nanos,
      trim_scale(sum(gross + carried_in - (netted_nanos + amount_nanos) * 0.000000001))::text AS carried_out
    FROM ${invoices} GROUP BY 1 ORDER BY 1`;
  return rows.map(({ netted, nanos, ...row }) => ({
    ...row,
    netted: money(row.currency, BigInt(netted)),
    amount: money(row.currency, BigInt(nanos)),
  }));
}

function refusalOf(error: unknown, period: Period): unknown {
  const refused = refusedByDatabase(error);
  if (refused?.code === "period_not_closed")
    return new Refusal("period_not_closed", `${period} is not closed yet: close it, then make its invoices`);
  if (refused?.code === "earlier_invoices_missing")
    return new Refusal(
      "earlier_invoices_missing",
      `the invoices of ${refused.detail.period} are not made yet, and what they leave is carried on: make them first`,
    );
  return error;
}
