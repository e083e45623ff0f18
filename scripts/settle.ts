import { userInfo } from "node:os";
import { parseArgs } from "node:util";
import { type Period, parsePeriod, Refusal } from "../src/kernel/index.ts";
import { differencesCsv } from "../src/payouts/index.ts";
import type { Sql } from "../src/postgres/index.ts";
import { auditedSettle } from "../src/processes/audited/audited-settle.ts";
import { noteCommand } from "../src/processes/audited/note-command.ts";
import { platformOf } from "../src/processes/config.ts";
import type { Tributary } from "../src/processes/wire.ts";
import {
  changesSinceLastPlan,
  findSettlement,
  resumePayouts,
  runAlone,
  stopPayouts,
  withdrawPlan,
} from "../src/settlement/index.ts";
import { listPayouts } from "../src/statements/index.ts";
import { runCommand, withTributary } from "./run-command.ts";
import { progressBar } from "./settle/progress.ts";
import { showChanges, showClose, showPay, showPlan, showReconcile, showStatus } from "./settle/show.ts";
import { totalsBefore } from "./settle/totals-before.ts";
import { writeStatementFiles } from "./settle/write-statements.ts";

const USAGE = `npm run settle -- <close|plan|approve|withdraw|pay|reconcile|statements|status|run> --period 2023-11 [--dry-run] [--json|--csv] [--hash <plan hash>] [--confirm <warning>] [--reason "…"] [--out <folder>] [--by <name>]
       npm run settle -- <stop --reason "…"|resume> [--by <name>]

  close     close the month: cut, final accrual, release to payable, statements
  plan      who is paid what, and who is not and why; with --dry-run also what differs from the month before
  approve   approve the plan (the one with --hash, or the one there is); its warnings must be confirmed, each by its code
  withdraw  take back the plan before it is approved (the one with --hash, or the one there is), with --reason; plan makes another
  pay       send what is approved and not paid yet; go on after a crash
  reconcile compare with everything at Stripe, both ways; exit 1 and a list on any difference; corrects nothing
  statements  each statement as JSON, CSV and PDF in --out (statements-<period>); goes on where it was killed
  status    how far the month is
  run       close, plan, approve, pay, reconcile, and with --out statements; stops where a person is needed. One at a time: a second
            one says who runs it, and ends
  stop      no payout begins any more, whoever runs, until resume

Exit codes: 0 done; 1 refused or failed, and reconcile found differences; 2 pay left something to do; 3 another run is
under way; 64 wrong usage.`;

interface Command {
  step: string;
  /** Of stop and resume it is not asked. */
  period: Period;
  confirmed: string[];
  reason: string | undefined;
  dryRun: boolean;
  json: boolean;
  csv: boolean;
  hash: string | undefined;
  out: string | undefined;
  by: string;
}

const STEPS: Record<string, (tributary: Tributary, command: Command) => Promise<unknown>> = {
  close,
  plan,
  approve,
  withdraw,
  pay,
  reconcile,
  statements,
  status,
  run,
  stop,
  resume,
};

const WITHOUT_PERIOD = ["stop", "resume"];

async function close({ settle, sql }: Tributary, { period, dryRun, json }: Command) {
  const bar = progressBar("closing", json);
  const onStep = (step: string) => {
    bar.stop();
    if (!json) console.error(`  … ${step}`);
  };
  const result = await settle.close(period, { dryRun, onStep, onProgress: bar.show }).finally(bar.stop);
  const before = dryRun ? await totalsBefore(sql, period) : undefined;
  if (!json) showClose(period, dryRun, result, before);
  return { step: "close", dry_run: dryRun, ...result, ...(before === undefined ? {} : { before }) };
}

async function plan({ settle, sql }: Tributary, { period, dryRun, json, by }: Command) {
  const planned = await settle.plan(period, { by, dryRun });
  const compared = dryRun ? await changesSinceLastPlan(sql, planned.plan) : undefined;
  if (!json) showPlan(planned.plan, planned.hash, dryRun);
  if (!json && compared !== undefined) showChanges(compared.since, compared.changes);
  return { step: "plan", dry_run: dryRun, ...planned, ...(compared ?? {}) };
}

async function approve({ settle }: Tributary, { period, dryRun, json, hash, by, confirmed }: Command) {
  if (dryRun) return { step: "approve", dry_run: true };
  const approved = await settle.approve(period, { by, confirmed, ...(hash === undefined ? {} : { hash }) });
  if (!json) console.log(`Approved the plan ${approved.hash.slice(0, 12)}… of ${period} as ${by}.`);
  return { step: "approve", ...approved };
}

async function withdraw({ sql }: Tributary, { period, dryRun, json, hash: given, reason, by }: Command) {
  const hash = given ?? (await findSettlement(sql, period))?.planHash;
  if (hash == null) throw new Refusal("plan_missing", `${period} has no plan to withdraw`);
  if (dryRun) {
    if (!json) console.log(`Would withdraw the plan ${hash} of ${period}.`);
    return { step: "withdraw", dry_run: true, hash };
  }
  if (reason === undefined)
    throw new Refusal("parameter_invalid", "--reason: why the plan is not to be approved");
  await withdrawPlan(sql, period, { hash, by, isApprover: true, reason });
  const target = `/v1/settlements/${period}/withdraw`;
  const withdrawn = { route: "POST /settlements/{period}/withdraw", target, asked: { hash, reason } };
  await noteCommand(sql, by, { ...withdrawn, after: { ok: true } });
  if (!json)
    console.log(`Withdrew the plan ${hash.slice(0, 12)}… of ${period} as ${by}; plan makes another.`);
  return { step: "withdraw", hash, reason };
}

async function pay({ settle, sql }: Tributary, { period, dryRun, json }: Command) {
  if (dryRun) {
    const due = (await listPayouts(sql, { period, limit: 1_000_000 })).filter(
      (payout) => payout.state !== "paid",
    );
    if (!json) console.log(`Would send ${due.length} payouts.`);
    return { step: "pay", dry_run: true, due };
  }
  const bar = progressBar("paying", json);
  const report = await settle.pay(period, { onProgress: bar.show }).finally(bar.stop);
  if (!json) showPay(period, report);
  // Something is left to do: whoever runs this unattended must notice.
  if (report.stopped !== null || report.problems.length > 0) process.exitCode = 2;
  return { step: "pay", ...report };
}

async function reconcile({ settle }: Tributary, { period, json, csv, by }: Command) {
  const report = await settle.reconcile(period, { by });
  if (csv) process.stdout.write(differencesCsv(report));
  else if (!json) showReconcile(report);
  // Of a whole run, what is left to pay is told first.
  if (report.differences.length > 0) process.exitCode ??= 1;
  return { step: "reconcile", ...report };
}

async function statements({ sql, config }: Tributary, { period, json, out }: Command) {
  const folder = out ?? `statements-${period}`;
  const bar = progressBar("writing", json);
  const platform = platformOf(config);
  const result = await writeStatementFiles(sql, period, folder, platform, bar.show).finally(bar.stop);
  if (!json)
    console.log(
      `${result.statements} statements of ${period} are in ${folder}; ${result.written} written now.`,
    );
  return { step: "statements", folder, ...result };
}

async function status({ sql }: Tributary, { period, json }: Command) {
  const settlement = await findSettlement(sql, period);
  const payouts = await listPayouts(sql, { period, limit: 1_000_000 });
  if (!json) showStatus(period, settlement, payouts);
  return {
    step: "status",
    period,
    state: settlement?.state ?? "open",
    plan_hash: settlement?.planHash ?? null,
    payouts,
  };
}

async function run(tributary: Tributary, command: Command) {
  return runAlone(tributary.sql, async () => {
    const results: unknown[] = [await close(tributary, command)];
    // Nothing more can be told of a month that is still open.
    if (command.dryRun && !(await isClosed(tributary.sql, command.period))) return results;
    results.push(await plan(tributary, command), await approve(tributary, command));
    if (command.dryRun) return results;
    results.push(await pay(tributary, command), await reconcile(tributary, command));
    if (command.out !== undefined) results.push(await statements(tributary, command));
    return results;
  });
}

async function isClosed(sql: Sql, period: Period): Promise<boolean> {
  return (await findSettlement(sql, period))?.closedAt != null;
}

async function stop({ sql }: Tributary, { reason, by, json }: Command) {
  if (reason === undefined) throw new Refusal("parameter_invalid", "--reason: why payouts are stopped");
  await stopPayouts(sql, reason, by);
  const stopped = { route: "POST /payouts/stop", target: "/v1/payouts/stop", asked: { reason } };
  await noteCommand(sql, by, { ...stopped, after: { ok: true } });
  if (!json) console.log("Payouts are stopped; none begins until: npm run settle -- resume");
  return { step: "stop", reason };
}

async function resume({ sql }: Tributary, { by, json }: Command) {
  await resumePayouts(sql, by);
  const resumed = { route: "POST /payouts/resume", target: "/v1/payouts/resume" };
  await noteCommand(sql, by, { ...resumed, after: { ok: true } });
  if (!json) console.log("Payouts go on with the next run.");
  return { step: "resume" };
}

function readCommand(): Command | undefined {
  const options = {
    period: { type: "string" },
    "dry-run": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    csv: { type: "boolean", default: false },
    hash: { type: "string" },
    out: { type: "string" },
    confirm: { type: "string", multiple: true },
    reason: { type: "string" },
    by: { type: "string", default: `cli:${userInfo().username}` },
    help: { type: "boolean", default: false },
  } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const step = positionals[0] ?? "";
  if (values.help || !Object.hasOwn(STEPS, step) || positionals.length > 1) return undefined;
  const period = parsePeriod(values.period ?? (WITHOUT_PERIOD.includes(step) ? "2000-01" : ""));
  if (period === undefined) throw new Refusal("parameter_invalid", "--period: a month such as 2023-11");
  const { "dry-run": dryRun, json, csv, hash, out, by, confirm: confirmed = [], reason } = values;
  return { step, period, dryRun, json, csv, hash, out, by, confirmed, reason };
}

async function main(): Promise<void> {
  const command = readCommand();
  if (command === undefined) {
    console.error(USAGE);
    process.exitCode = 64;
    return;
  }
  await withTributary("tributary-settle", async (tributary) => {
    const settle = auditedSettle(tributary.settle, tributary.sql, command.by);
    const result = await STEPS[command.step]?.({ ...tributary, settle }, command);
    if (command.json) console.log(JSON.stringify(result, null, 2));
  });
}

runCommand(main, { settlement_running: 3 });
