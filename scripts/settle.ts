import { userInfo } from "node:os";
import { parseArgs } from "node:util";
import cliProgress from "cli-progress";
import { type Period, parsePeriod, Refusal } from "../src/kernel/index.ts";
import { differencesCsv } from "../src/payouts/index.ts";
import { type Config, ConfigInvalid, readConfig } from "../src/processes/config.ts";
import { createLogger } from "../src/processes/logger.ts";
import { type Tributary, wire } from "../src/processes/wire.ts";
import { findSettlement, resumePayouts, stopPayouts } from "../src/settlement/index.ts";
import { listPayouts } from "../src/statements/index.ts";
import { showClose, showPay, showPlan, showReconcile, showStatus } from "./settle/show.ts";

const USAGE = `npm run settle -- <close|plan|approve|pay|reconcile|status|run> --period 2023-11 [--dry-run] [--json|--csv] [--hash <plan hash>] [--confirm <warning>] [--by <name>]
       npm run settle -- <stop --reason "…"|resume> [--by <name>]

  close     close the month: cut, final accrual, release to payable, statements
  plan      who is paid what, and who is not and why
  approve   approve the plan (the one with --hash, or the one there is); its warnings must be confirmed, each by its code
  pay       send what is approved and not paid yet; go on after a crash
  reconcile compare with everything at Stripe, both ways; exit 1 and a list on any difference; corrects nothing
  status    how far the month is
  run       all of it, in order; stops where a person is needed
  stop      no payout begins any more, whoever runs, until resume

Exit codes: 0 done; 1 refused or failed, and reconcile found differences; 2 pay left something to do; 64 wrong usage.`;

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
  by: string;
}

const STEPS: Record<string, (tributary: Tributary, command: Command) => Promise<unknown>> = {
  close,
  plan,
  approve,
  pay,
  reconcile,
  status,
  run,
  stop,
  resume,
};

const WITHOUT_PERIOD = ["stop", "resume"];

async function close({ settle }: Tributary, { period, dryRun, json }: Command) {
  const onStep = (step: string) => json || console.error(`  … ${step}`);
  const result = await settle.close(period, { dryRun, onStep });
  if (!json) showClose(period, dryRun, result);
  return { step: "close", dry_run: dryRun, ...result };
}

async function plan({ settle }: Tributary, { period, dryRun, json, by }: Command) {
  const planned = await settle.plan(period, { by, dryRun });
  if (!json) showPlan(planned.plan, planned.hash, dryRun);
  return { step: "plan", dry_run: dryRun, ...planned };
}

async function approve({ settle }: Tributary, { period, dryRun, json, hash, by, confirmed }: Command) {
  if (dryRun) return { step: "approve", dry_run: true };
  const approved = await settle.approve(period, { by, confirmed, ...(hash === undefined ? {} : { hash }) });
  if (!json) console.log(`Approved the plan ${approved.hash.slice(0, 12)}… of ${period} as ${by}.`);
  return { step: "approve", ...approved };
}

async function pay({ settle, sql }: Tributary, { period, dryRun, json }: Command) {
  if (dryRun) {
    const due = (await listPayouts(sql, { period, limit: 1_000_000 })).filter(
      (payout) => payout.state !== "paid",
    );
    if (!json) console.log(`Would send ${due.length} payouts.`);
    return { step: "pay", dry_run: true, due };
  }
  const bar = json
    ? undefined
    : new cliProgress.SingleBar({ format: "  paying  [{bar}] {value}/{total}", clearOnComplete: true });
  let started = false;
  const report = await settle.pay(period, {
    onProgress(done, total) {
      if (!started) bar?.start(total, 0);
      started = true;
      bar?.update(done);
    },
  });
  bar?.stop();
  if (!json) showPay(period, report);
  // Something is left to do: whoever runs this unattended must notice.
  if (report.stopped !== null || report.problems.length > 0) process.exitCode = 2;
  return { step: "pay", ...report };
}

async function reconcile({ settle }: Tributary, { period, json, csv, by }: Command) {
  const report = await settle.reconcile(period, { by });
  if (csv) process.stdout.write(differencesCsv(report));
  else if (!json) showReconcile(report);
  if (report.differences.length > 0) process.exitCode = 1;
  return { step: "reconcile", ...report };
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
  const results: unknown[] = [await close(tributary, command), await plan(tributary, command)];
  results.push(await approve(tributary, command));
  if (!command.dryRun) results.push(await pay(tributary, command));
  return results;
}

async function stop({ sql }: Tributary, { reason, by, json }: Command) {
  if (reason === undefined) throw new Refusal("parameter_invalid", "--reason: why payouts are stopped");
  await stopPayouts(sql, reason, by);
  if (!json) console.log("Payouts are stopped; none begins until: npm run settle -- resume");
  return { step: "stop", reason };
}

async function resume({ sql }: Tributary, { by, json }: Command) {
  await resumePayouts(sql, by);
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
    confirm: { type: "string", multiple: true },
    reason: { type: "string" },
    by: { type: "string", default: `cli:${userInfo().username}` },
    help: { type: "boolean", default: false },
  } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const step = positionals[0] ?? "";
  if (values.help || !(step in STEPS) || positionals.length > 1) return undefined;
  const period = parsePeriod(values.period ?? (WITHOUT_PERIOD.includes(step) ? "2000-01" : ""));
  if (period === undefined) throw new Refusal("parameter_invalid", "--period: a month such as 2023-11");
  const { "dry-run": dryRun, json, csv, hash, by, confirm: confirmed = [], reason } = values;
  return { step, period, dryRun, json, csv, hash, by, confirmed, reason };
}

async function main(): Promise<void> {
  const command = readCommand();
  if (command === undefined) {
    console.error(USAGE);
    process.exitCode = 64;
    return;
  }
  const config: Config = readConfig(process.env);
  const logger = createLogger(process.env.LOG_LEVEL === undefined ? "warn" : config.LOG_LEVEL);
  const tributary = await wire(config, logger, "tributary-settle");
  try {
    const result = await STEPS[command.step]?.(tributary, command);
    if (command.json) console.log(JSON.stringify(result, null, 2));
  } finally {
    await tributary.close();
  }
}

main().catch((error: unknown) => {
  const expected =
    error instanceof Refusal ||
    error instanceof ConfigInvalid ||
    (error instanceof TypeError && "code" in error);
  const message = error instanceof Error ? error.message : String(error);
  if (process.argv.includes("--json"))
    console.log(JSON.stringify({ error: error instanceof Refusal ? error.code : "failed", detail: message }));
  console.error(expected ? message : error);
  process.exitCode = 1;
});
