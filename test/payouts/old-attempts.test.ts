import { expect, test } from "vitest";
import {
  type ApprovedMonth,
  attemptKeys,
  expectTransfersToMatchPlan,
  openApprovedMonth,
  payoutStates,
  transfersAt,
} from "./approved-month.ts";

const DAY_SECONDS = 86_400;

/** Leaves one payout unknown, then lets so many hours go by in our books and at Stripe. */
async function openUnknown(fault: "drop_after" | "drop_before", hours: number): Promise<ApprovedMonth> {
  const month = await openApprovedMonth(1);
  await month.fault(fault, 2);
  await month.pay();
  expect(await payoutStates(month.sql)).toEqual(["unknown"]);
  await month.sql`UPDATE payout_attempt SET started_at = started_at - make_interval(hours => ${hours})`;
  // Beyond a day the simulator forgets its keys: whoever sends an old one again pays twice.
  await month.simulator.control("POST", "/clock", { advance_seconds: DAY_SECONDS + 3_600 });
  return month;
}

function letMissingAge({ sql }: ApprovedMonth, minutes: number) {
  return sql`UPDATE payout_attempt SET missing_since = missing_since - make_interval(mins => ${minutes})`;
}

test.each([21, 25, 24 * 40])(
  "an attempt lost %i hours ago is found by its group and not sent again",
  async (hours) => {
    const month = await openUnknown("drop_after", hours);
    expect(await month.pay()).toMatchObject({ results: { paid: 1 } });
    expect(await attemptKeys(month.sql)).toHaveLength(1);
    await expectTransfersToMatchPlan(month);
  },
);

test("a killed run's old attempt, which never left `sending`, is looked up as well", async () => {
  const month = await openUnknown("drop_after", 25);
  await month.sql`UPDATE payout SET state = 'sending'`;
  expect(await month.pay()).toMatchObject({ results: { paid: 1 } });
  await expectTransfersToMatchPlan(month);
});

test("an old attempt that is not found is never sent again, and not given up before ten minutes have passed", async () => {
  const month = await openUnknown("drop_before", 25);
  for (let run = 0; run < 3; run++) {
    expect(await month.pay()).toMatchObject({ results: { unknown: 1 } });
    await letMissingAge(month, 3);
  }
  expect(await transfersAt(month.simulator)).toEqual([]);
  expect(await attemptKeys(month.sql)).toHaveLength(1);
});

test("not found twice ten minutes apart after a day is a definitive failure, and a later run pays once under a new key", async () => {
  const month = await openUnknown("drop_before", 25);
  await month.pay();
  await letMissingAge(month, 11);
  const report = await month.pay();
  expect(report.results).toMatchObject({ failed: 1, unknown: 0 });
  expect(await payoutStates(month.sql)).toEqual(["failed"]);
  expect(await transfersAt(month.simulator)).toEqual([]);

  expect(await month.pay()).toMatchObject({ results: { paid: 1 } });
  expect(new Set(await attemptKeys(month.sql)).size).toBe(2);
  await expectTransfersToMatchPlan(month);
});

test("not found twice within the first day is no failure yet", async () => {
  const month = await openUnknown("drop_before", 21);
  await month.pay();
  await letMissingAge(month, 60);
  expect(await month.pay()).toMatchObject({ results: { unknown: 1 } });
  expect(await transfersAt(month.simulator)).toEqual([]);
});

test("while Stripe cannot be asked, an old attempt stays unknown and is not noted as missing", async () => {
  const month = await openUnknown("drop_before", 25);
  await month.simulator.control("POST", "/faults", {
    fault: "error_500_before",
    match: { method: "GET", path: "/v1/transfers" },
    times: 1,
  });
  expect(await month.pay()).toMatchObject({ results: { unknown: 1 } });
  expect(await month.sql`SELECT missing_since FROM payout_attempt`).toEqual([{ missing_since: null }]);
});

test("a transfer that shows up between two searches is taken as the payment", async () => {
  const month = await openUnknown("drop_after", 25);
  await month.sql`UPDATE payout_attempt SET missing_since = now() - interval '5 minutes'`;
  expect(await month.pay()).toMatchObject({ results: { paid: 1 } });
  await expectTransfersToMatchPlan(month);
});
