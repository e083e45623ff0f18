import { afterEach, expect, test, vi } from "vitest";
import type { PayoutProvider } from "../../src/payouts/index.ts";
import { expectLedgerToHold } from "../support/ledger-laws.ts";
import { until } from "../support/until.ts";
import {
  type ApprovedMonth,
  expectTransfersToMatchPlan,
  openApprovedMonth,
  payoutStates,
  transfersAt,
} from "./approved-month.ts";

const HOUR_MS = 3_600_000;

afterEach(() => void vi.useRealTimers());

/** Our process stands still for so long between its last look at the key and the sending. */
function suspended(provider: PayoutProvider, hours: number): PayoutProvider {
  return {
    ...provider,
    async transfer(request) {
      vi.setSystemTime(Date.now() + hours * HOUR_MS);
      return provider.transfer(request);
    },
  };
}

async function openYoungUnknown(hours: number): Promise<ApprovedMonth> {
  const month = await openApprovedMonth(1);
  await month.fault("drop_before", 2);
  await month.pay();
  await month.sql`UPDATE payout_attempt SET started_at = started_at - make_interval(hours => ${hours})`;
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  return month;
}

test("a payer suspended until its key is old does not send it any more, and the next run looks first", async () => {
  const month = await openYoungUnknown(19);
  expect(await month.pay(suspended(month.provider, 6))).toMatchObject({ results: { unknown: 1 } });
  expect(await transfersAt(month.simulator), "nothing was sent under an old key").toEqual([]);
  expect(await payoutStates(month.sql)).toEqual(["unknown"]);
  vi.useRealTimers();
  expect(await month.pay()).toMatchObject({ results: { paid: 1 } });
  await expectTransfersToMatchPlan(month);
});

test("a payer suspended for a moment sends under the key it has", async () => {
  const month = await openYoungUnknown(2);
  expect(await month.pay(suspended(month.provider, 6))).toMatchObject({ results: { paid: 1 } });
  vi.useRealTimers();
  await expectTransfersToMatchPlan(month);
});

test("when one payout breaks the run, the lock is kept until the others under way are recorded", async () => {
  const month = await openApprovedMonth(12);
  let underWay = 0;
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const provider: PayoutProvider = {
    ...month.provider,
    async transfer(request) {
      if (++underWay === 1) throw new Error("a bug of ours");
      await held;
      return month.provider.transfer(request);
    },
  };
  let ended = false;
  const run = month.pay(provider).catch((error: Error) => error.message);
  void run.then(() => {
    ended = true;
  });
  await until(() => underWay >= 8);
  await expect(month.pay()).rejects.toMatchObject({ code: "settlement_running" });
  expect(ended).toBe(false);
  release();
  expect(await run).toBe("a bug of ours");
  expect(underWay, "nobody began another one").toBe(8);
  await month.pay();
  await expectLedgerToHold(month.sql);
  await expectTransfersToMatchPlan(month);
});
