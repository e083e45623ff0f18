import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { expectLedgerToHold } from "../support/ledger-laws.ts";
import { startStripeProxy } from "../support/stripe-proxy.ts";
import {
  type ApprovedMonth,
  expectTransfersToMatchPlan,
  MONTH,
  openApprovedMonth,
} from "./approved-month.ts";

const SCRIPT = new URL("../support/pay-month-process.ts", import.meta.url).pathname;
const PAYEES = 50;
const KILLS = 5;
/** Another run still had the lock: see the script. */
const SETTLEMENT_RUNNING = 3;

function startPaying(month: ApprovedMonth, stripeUrl: string): ChildProcess {
  return spawn(process.execPath, [SCRIPT, month.books.url, stripeUrl, MONTH], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** A slow network that pulls the plug at the request it is told, before or after the simulator carries it out. */
async function openDeadlyNetwork(month: ApprovedMonth) {
  const plug = { at: Number.POSITIVE_INFINITY, before: true, pull: () => {} };
  let requests = 0;
  const proxy = await startStripeProxy(month.simulator.url, async (forward) => {
    const deadly = ++requests === plug.at;
    await pause(Math.random() * 20);
    if (deadly && plug.before) plug.pull();
    const answer = await forward();
    if (deadly && !plug.before) plug.pull();
    await pause(Math.random() * 20);
    return answer;
  });
  onTestFinished(proxy.stop);
  return {
    url: proxy.url,
    killWithin: (next: number, child: ChildProcess) => {
      plug.at = requests + 1 + Math.floor(Math.random() * next);
      plug.before = Math.random() < 0.5;
      plug.pull = () => void child.kill("SIGKILL");
    },
  };
}

test("a run killed with kill -9 again and again pays each payee once when it is run until done", async () => {
  const month = await openApprovedMonth(PAYEES);
  const network = await openDeadlyNetwork(month);
  let kills = 0;
  for (let code: number | null = null; code !== 0; ) {
    const child = startPaying(month, network.url);
    onTestFinished(() => void child.kill("SIGKILL"));
    if (kills < KILLS) network.killWithin(4, child);
    [code] = (await once(child, "exit")) as [number | null];
    if (child.signalCode === "SIGKILL") kills++;
    else expect([0, SETTLEMENT_RUNNING]).toContain(code);
    await expectLedgerToHold(month.sql);
  }
  expect(kills).toBeGreaterThanOrEqual(4);
  await expectTransfersToMatchPlan(month);
});
