import { mkdir, open, rename } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import cliProgress from "cli-progress";
import {
  exportInvoices,
  type InvoiceTotals,
  invoiceStatus,
  makeInvoices,
  type PushReport,
  pushInvoices,
} from "../src/billing/index.ts";
import { amountInWords, type Period, parsePeriod, Refusal } from "../src/kernel/index.ts";
import { noteCommand } from "../src/processes/audited/note-command.ts";
import type { Tributary } from "../src/processes/wire.ts";
import { runCommand, withTributary } from "./run-command.ts";

const USAGE = `npm run invoices -- <make|push|export|status> --period 2023-11 [--dry-run] [--json] [--out <folder>] [--by <name>]

  make      make the customers' invoices of a closed month, once; what is left below a cent is carried to the next ones
  push      send them to Stripe: customer, items, invoice, finalised; go on after a crash
  export    for a platform that bills elsewhere, which asks for what is left of each: invoices.csv, invoice-lines.csv and
            invoices.jsonl in --out, or JSON lines
  status    how far they are

Exit codes: 0 done; 1 refused or failed; 2 push left something to do; 64 wrong usage.`;

interface Command {
  step: string;
  period: Period;
  dryRun: boolean;
  json: boolean;
  out: string | undefined;
  by: string;
}

const STEPS: Record<string, (tributary: Tributary, command: Command) => Promise<unknown>> = {
  make,
  push,
  export: exportFiles,
  status,
};

async function make({ sql }: Tributary, { period, dryRun, json, by }: Command) {
  const totals = await makeInvoices(sql, period, { by, dryRun });
  const made = {
    route: "POST /settlements/{period}/invoices",
    target: `/v1/settlements/${period}/invoices`,
    after: totals,
  };
  if (!dryRun) await noteCommand(sql, by, made);
  if (!json) showTotals(period, dryRun, totals);
  return { step: "make", dry_run: dryRun, totals };
}

function showTotals(period: Period, dryRun: boolean, totals: readonly InvoiceTotals[]): void {
  if (totals.length === 0) console.log(`No customer owes anything for ${period}.`);
  for (const { invoices, gross, carried_in, amount, carried_out } of totals)
    console.log(
      `${invoices} invoices ${dryRun ? "would ask" : "ask"} for ${amountInWords(amount)}: used ${gross}, carried in ${carried_in}, carried on ${carried_out}`,
    );
}

async function push({ sql, billing }: Tributary, { period, dryRun, json, by }: Command) {
  if (dryRun) {
    const { states } = await invoiceStatus(sql, period);
    const due = states.filter(({ state, amount }) => state !== "pushed" && !/^[0.]+$/.test(amount.amount));
    if (!json) for (const { invoices, state } of due) console.log(`Would push ${invoices} (${state}).`);
    return { step: "push", dry_run: true, due };
  }
  const bar = json
    ? undefined
    : new cliProgress.SingleBar({ format: "  pushing  [{bar}] {value}/{total}", clearOnComplete: true });
  let started = false;
  const report = await pushInvoices(sql, billing, period, (done, total) => {
    if (!started) bar?.start(total, 0);
    started = true;
    bar?.update(done);
  });
  bar?.stop();
  await noteCommand(sql, by, { route: "invoices push", target: `invoices push ${period}`, after: report });
  if (!json) showPush(period, report);
  // Something is left to do: whoever runs this unattended must notice.
  if (report.stopped !== null || report.problems.length > 0) process.exitCode = 2;
  return { step: "push", ...report };
}

function showPush(period: Period, { results, problems, stopped }: PushReport): void {
  const parts = Object.entries(results).filter(([result, count]) => count > 0 && result !== "none");
  const told = parts.map(([result, count]) => `${count} ${result}`).join(", ");
  console.log(`Invoices of ${period}: ${told || "nothing was left to push"}.`);
  for (const { invoice, result, detail } of problems) console.log(`  ${invoice}: ${result} – ${detail}`);
  if (stopped !== null) console.log(`Stopped: ${stopped}`);
}

/** Files appear whole, under their names, or not at all. */
async function exportFiles({ sql }: Tributary, { period, out, json }: Command) {
  if ((await invoiceStatus(sql, period)).made === false)
    throw new Refusal("invoices_not_made", `the invoices of ${period} are not made yet: make them first`);
  let invoices = 0;
  if (out === undefined) {
    for await (const piece of exportInvoices(sql, period)) process.stdout.write(piece.jsonLines);
    return undefined;
  }
  await mkdir(out, { recursive: true });
  const names = ["invoices.csv", "invoice-lines.csv", "invoices.jsonl"].map((name) =>
    join(out, `${period}-${name}`),
  );
  const files = await Promise.all(names.map((name) => open(`${name}.part`, "w")));
  for await (const { invoicesCsv, linesCsv, jsonLines, invoices: more } of exportInvoices(sql, period)) {
    invoices += more;
    await Promise.all([invoicesCsv, linesCsv, jsonLines].map((text, n) => files[n]?.appendFile(text)));
  }
  for (const file of files) {
    await file.sync();
    await file.close();
  }
  for (const name of names) await rename(`${name}.part`, name);
  if (!json) console.log(`Exported ${invoices} invoices:\n  ${names.join("\n  ")}`);
  return { step: "export", invoices, files: names };
}

async function status({ sql }: Tributary, { period, json }: Command) {
  const { made, states } = await invoiceStatus(sql, period);
  if (!json) console.log(`${period}: ${made ? "made" : "not made yet"}`);
  if (!json)
    for (const { state, invoices, amount } of states)
      console.log(`  ${invoices} ${state.replaceAll("_", " ")}: ${amountInWords(amount)}`);
  return { step: "status", period, made, states };
}

function readCommand(): Command | undefined {
  const options = {
    period: { type: "string" },
    "dry-run": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    out: { type: "string" },
    by: { type: "string", default: `cli:${userInfo().username}` },
    help: { type: "boolean", default: false },
  } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const step = positionals[0] ?? "";
  if (values.help || !Object.hasOwn(STEPS, step) || positionals.length > 1) return undefined;
  const period = parsePeriod(values.period ?? "");
  if (period === undefined) throw new Refusal("parameter_invalid", "--period: a month such as 2023-11");
  const { "dry-run": dryRun, json, out, by } = values;
  return { step, period, dryRun, json, out, by };
}

async function main(): Promise<void> {
  const command = readCommand();
  if (command === undefined) {
    console.error(USAGE);
    process.exitCode = 64;
    return;
  }
  await withTributary("tributary-invoices", async (tributary) => {
    const result = await STEPS[command.step]?.(tributary, command);
    if (command.json && result !== undefined) console.log(JSON.stringify(result, null, 2));
  });
}

runCommand(main);
