import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { reconcile } from "../../src/payouts/index.ts";
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

test.each([
  ["before Stripe got the request", true],
  ["after Stripe had paid, before anyone was told", false],
])(
  "killed with kill -9 %s, and run again when Stripe has forgotten the key, it pays each payee once",
  async (_, before) => {
    const month = await openApprovedMonth(3);
    const { sql, simulator, provider } = month;
    let child: ChildProcess | undefined;
    const proxy = await startStripeProxy(simulator.url, async (forward) => {
      if (before) child?.kill("SIGKILL");
      const answer = before ? undefined : await forward();
      child?.kill("SIGKILL");
      return answer;
    });
    onTestFinished(proxy.stop);
    child = startPaying(month, proxy.url);
    await once(child, "exit");
    expect(child.signalCode).toBe("SIGKILL");
    const { differences } = await reconcile(sql, provider, MONTH, "test");
    expect(differences.map(({ kind }) => kind)).toContain("outcome_open");
    expect(differences.every(({ kind }) => kind === "outcome_open")).toBe(true);

    // The killed run's session may still be ending, and with it its lock.
    const payAgain = () =>
      expect
        .poll(
          () =>
            month.pay().then(
              () => true,
              () => false,
            ),
          { timeout: 30_000 },
        )
        .toBe(true);
    for (let day = 0; day < 3; day++) {
      await simulator.control("POST", "/clock", { advance_seconds: 25 * 3_600 });
      await sql`UPDATE payout_attempt SET started_at = started_at - interval '25 hours',
              missing_since = missing_since - interval '25 hours'`;
      await payAgain();
    }
    await expectTransfersToMatchPlan(month);
    expect((await reconcile(sql, provider, MONTH, "test")).differences).toEqual([]);
  },
);
