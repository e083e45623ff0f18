import Table from "cli-table3";
import type { PeriodTotals } from "../../src/earnings/index.ts";
import type { CloseResult } from "../../src/http/index.ts";
import { amountInWords, digitsInWords, type Period } from "../../src/kernel/index.ts";
import type { PayReport, ReconcileReport } from "../../src/payouts/index.ts";
import type { PlanChange, SettlementPlan, SettlementRow } from "../../src/settlement/index.ts";
import type { PayoutView } from "../../src/statements/index.ts";

const CHANGES_SHOWN_MAX = 50;

export function showClose(
  period: Period,
  dryRun: boolean,
  { statements, totals }: CloseResult,
  before?: { period: Period; totals: PeriodTotals[] },
): void {
  const what = dryRun ? `${period} would close with:` : `${period} is closed; ${statements} statements.`;
  console.log(what);
  for (const { currency, gross, earned, payees } of totals) {
    const last = before?.totals.find((one) => one.currency === currency);
    const beside =
      before === undefined
        ? ""
        : ` (${before.period}: gross ${last?.gross ?? "0"}, ${last?.payees ?? 0} payees ${last === undefined ? "0" : amountInWords(last.earned)})`;
    console.log(
      `  ${currency}: gross ${gross}, earned by ${payees} payees ${amountInWords(earned)}${beside}`,
    );
  }
  if (totals.length === 0) console.log("  no charged usage");
}

/** The largest differences to the month before. */
export function showChanges(since: Period | null, changes: readonly PlanChange[]): void {
  if (since === null) {
    console.log("No earlier month has a plan to compare with.");
    return;
  }
  if (changes.length === 0) {
    console.log(`Everybody gets what ${since} gave.`);
    return;
  }
  const table = new Table({
    head: ["payee", since, "now", "difference", "why nothing"],
    colAligns: ["left", "right", "right", "right", "left"],
    style: { head: [], border: [] },
  });
  for (const { payee, before, now, difference, why } of changes.slice(0, CHANGES_SHOWN_MAX))
    table.push([payee, digitsInWords(before), digitsInWords(now), amountInWords(difference), why ?? ""]);
  console.log(table.toString());
  const more = changes.length - CHANGES_SHOWN_MAX;
  if (more > 0) console.log(`… and ${more} smaller differences; --json has them all`);
}

export function showPlan(plan: SettlementPlan, hash: string, dryRun: boolean): void {
  const table = new Table({
    head: ["payee", "payout", "carried on", "why"],
    style: { head: [], border: [] },
  });
  for (const { payee, amount, carried } of plan.payouts)
    table.push([payee, amountInWords(amount), digitsInWords(carried), ""]);
  for (const { payee, amount, message } of plan.carried)
    table.push([payee, "–", amountInWords(amount), message]);
  console.log(table.toString());
  for (const { payee, from, to, rate, source } of plan.conversions)
    console.log(`${payee}: ${amountInWords(from)} become ${amountInWords(to)} at ${rate} (${source})`);
  for (const { payouts, amount } of plan.totals)
    console.log(`${payouts} payouts, ${amountInWords(amount)} in all`);
  for (const { code, message } of plan.warnings) console.log(`Warning ${code}: ${message}`);
  console.log(`Plan ${hash}${dryRun ? " (dry run: not recorded)" : ""}`);
}

export function showPay(period: Period, report: PayReport): void {
  const parts = Object.entries(report.results).filter(([result, count]) => count > 0 && result !== "none");
  console.log(
    `Payouts of ${period}: ${parts.map(([result, count]) => `${count} ${result}`).join(", ") || "nothing was left to pay"}.`,
  );
  for (const { payout, result, detail } of report.problems) console.log(`  ${payout}: ${result} – ${detail}`);
  if (report.stopped !== null) console.log(`Stopped: ${report.stopped}`);
}

export function showReconcile({ period, compared, totals, differences }: ReconcileReport): void {
  const { payouts, transfers, reversals, movements } = compared;
  console.log(
    `Compared ${payouts} payouts of ${period} with ${transfers} transfers, ${reversals} reversals and ${movements} balance transactions.`,
  );
  for (const { currency, ours, theirs } of totals)
    console.log(`  ${currency}: ${amountInWords(ours)} by our books, ${amountInWords(theirs)} at Stripe`);
  for (const { kind, payout, reference, difference, cause } of differences)
    console.log(`  ${kind} ${payout ?? reference ?? ""}: ${amountInWords(difference)} – ${cause}`);
  console.log(differences.length === 0 ? "No difference." : `${differences.length} differences.`);
}

export function showStatus(
  period: Period,
  settlement: SettlementRow | undefined,
  payouts: readonly PayoutView[],
): void {
  console.log(`${period}: ${settlement?.state ?? "open"}`);
  if (settlement?.planHash) console.log(`  plan ${settlement.planHash} by ${settlement.plannedBy}`);
  if (settlement?.withdrawn)
    console.log(`  plan withdrawn by ${settlement.withdrawn.by}: ${settlement.withdrawn.reason}`);
  if (settlement?.approvedBy) console.log(`  approved by ${settlement.approvedBy}`);
  const counts = new Map<string, number>();
  for (const { state } of payouts) counts.set(state, (counts.get(state) ?? 0) + 1);
  for (const [state, count] of counts) console.log(`  payouts ${state}: ${count}`);
  for (const { id, state, reason } of payouts)
    if (reason !== null) console.log(`  ${id} ${state}: ${reason}`);
}
