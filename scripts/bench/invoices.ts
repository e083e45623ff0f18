import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import Stripe from "stripe";
import { invoiceStatus, listInvoices, makeInvoices } from "../../src/billing/index.ts";
import { parseNanos, parsePeriod, present, toMinor } from "../../src/kernel/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { closeMonth } from "../../src/settlement/index.ts";
import { INVOICED, loadInvoicedMonth } from "./load/invoiced-month.ts";
import { say } from "./say.ts";
import type { Opened } from "./world/opened.ts";
import { openBenchDatabase } from "./world/servers.ts";
import { startSimulator } from "./world/stripe-simulator.ts";
import { temporaryFolder } from "./world/temporary-folder.ts";

export interface InvoicesFigures {
  invoices: number;
  makeSeconds: number;
  /** Of the run that was killed, and how many were pushed then. */
  killedAfterSeconds: number;
  pushedBeforeKill: number;
  /** Of the run that went on. */
  restSeconds: number;
  invoicesPerSecond: number;
  differences: string[];
}

const ROOT = new URL("../..", import.meta.url).pathname;
const PERIOD = present(parsePeriod(INVOICED), "a month");
const STRIPE_KEY = "sk_test_simulator";
const POLL_MS = 250;

/** A month's invoices, made and pushed to the simulator by `npm run invoices -- push`, which is killed in the middle once. */
export async function measureInvoices(opened: Opened, customers: number): Promise<InvoicesFigures> {
  const { sql, url } = await openBenchDatabase(opened, await temporaryFolder(opened));
  say(`invoices: a month of ${customers} customers`);
  await loadInvoicedMonth(sql, customers);
  await closeMonth(sql, PERIOD, { graceSeconds: 3_600, catchUp: async () => {} });
  const begun = performance.now();
  await makeInvoices(sql, PERIOD, { by: "bench" });
  const makeSeconds = (performance.now() - begun) / 1000;
  const simulator = await startSimulator(opened);

  const first = startPush(opened, url, simulator);
  const firstAt = performance.now();
  say("invoices: pushing");
  while ((await pushed(sql)) < customers / 2 && !first.ended()) await pause(POLL_MS);
  await first.kill();
  const killedAfterSeconds = (performance.now() - firstAt) / 1000;
  const pushedBeforeKill = await pushed(sql);
  say(`invoices: killed with ${pushedBeforeKill} pushed; going on`);
  const secondAt = performance.now();
  const second = startPush(opened, url, simulator);
  const code = await second.done;
  const restSeconds = (performance.now() - secondAt) / 1000;
  const differences = await differencesAt(sql, simulator);
  if (code !== 0) differences.push(`the push ended with ${code}`);
  return {
    invoices: customers,
    makeSeconds,
    killedAfterSeconds,
    pushedBeforeKill,
    restSeconds,
    invoicesPerSecond: customers / (killedAfterSeconds + restSeconds),
    differences,
  };
}

async function pushed(sql: Sql): Promise<number> {
  const { states } = await invoiceStatus(sql, PERIOD);
  return states.filter(({ state }) => state === "pushed").reduce((sum, { invoices }) => sum + invoices, 0);
}

function startPush(opened: Opened, databaseUrl: string, simulator: string) {
  const child = spawn(process.execPath, ["scripts/invoices.ts", "push", "--period", INVOICED, "--json"], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      KAFKA_BROKERS: "",
      STRIPE_SECRET_KEY: STRIPE_KEY,
      STRIPE_API_BASE: simulator,
    },
  });
  const done = once(child, "exit").then(([code]) => code as number | null);
  const ended = () => child.exitCode !== null || child.signalCode !== null;
  const kill = async () => {
    child.kill("SIGKILL");
    await done;
  };
  opened.later(kill);
  return { done, ended, kill };
}

/** Each of ours is there once, finalised, with its amount; and nothing else is. */
async function differencesAt(sql: Sql, simulator: string): Promise<string[]> {
  const { hostname: host, port } = new URL(simulator);
  const stripe = new Stripe(STRIPE_KEY, { host, port, protocol: "http", telemetry: false });
  const there = new Map<string, number[]>();
  for await (const { status, metadata, total } of stripe.invoices.list({ limit: 100 })) {
    const ours = metadata?.invoice ?? "no invoice of ours";
    if (status !== "draft") there.set(ours, [...(there.get(ours) ?? []), total]);
  }
  const differences: string[] = [];
  for (const { id, currency, amount } of await listInvoices(sql, { limit: 1_000_000 })) {
    const due = Number(toMinor(currency, present(parseNanos(amount.amount), "an amount")));
    const asked = there.get(id) ?? [];
    if (asked.length !== 1 || asked[0] !== due)
      differences.push(`${id}: ${due}, asked for ${asked.join(" and ") || "nothing"}`);
    there.delete(id);
  }
  return [...differences, ...there.keys()];
}
