import { expect, test } from "vitest";
import {
  type ApprovedMonth,
  attemptKeys,
  expectTransfersToMatchPlan,
  openApprovedMonth,
  payoutStates,
  transfersAt,
} from "./approved-month.ts";

const PAYEES = 3;

async function expectResolvedByNextRun(month: ApprovedMonth): Promise<void> {
  const keys = await attemptKeys(month.sql);
  const report = await month.pay();
  expect(report).toMatchObject({ stopped: null, problems: [], results: { paid: PAYEES } });
  expect(await attemptKeys(month.sql), "the next run goes on with the same keys").toEqual(keys);
  await expectTransfersToMatchPlan(month);
}

test("connections dropped after the transfers leave the payouts unknown, and the next run finds them paid", async () => {
  const month = await openApprovedMonth(PAYEES);
  // Twice each: the SDK tries a closed connection a second time.
  await month.fault("drop_after", 2 * PAYEES);
  expect(await month.pay()).toMatchObject({ results: { unknown: PAYEES, paid: 0 } });
  expect(await payoutStates(month.sql)).toEqual(["unknown", "unknown", "unknown"]);
  expect(await transfersAt(month.simulator)).toHaveLength(PAYEES);
  await expectResolvedByNextRun(month);
});

test("connections dropped before the transfers leave the payouts unknown, and the next run pays each once", async () => {
  const month = await openApprovedMonth(PAYEES);
  await month.fault("drop_before", 2 * PAYEES);
  expect(await month.pay()).toMatchObject({ results: { unknown: PAYEES } });
  expect(await transfersAt(month.simulator)).toEqual([]);
  await expectResolvedByNextRun(month);
});

test("time-outs after the transfers leave the payouts unknown, and the next run finds them paid", async () => {
  const month = await openApprovedMonth(PAYEES);
  await month.fault("hang_after", PAYEES);
  const report = await month.pay(month.openProvider({ timeoutMs: 500 }));
  expect(report).toMatchObject({ results: { unknown: PAYEES } });
  expect(await transfersAt(month.simulator)).toHaveLength(PAYEES);
  await expectResolvedByNextRun(month);
});

test("a connection lost once is mended within the run, since the second try has the same key", async () => {
  const month = await openApprovedMonth(1);
  await month.fault("drop_after", 1);
  expect(await month.pay()).toMatchObject({ results: { paid: 1 } });
  await expectTransfersToMatchPlan(month);
});

test("server errors after the transfers, which Stripe would replay for a day, are resolved by looking", async () => {
  const month = await openApprovedMonth(PAYEES);
  await month.fault("error_500_after", PAYEES);
  expect(await month.pay()).toMatchObject({ results: { unknown: PAYEES } });
  expect(await transfersAt(month.simulator)).toHaveLength(PAYEES);
  await expectResolvedByNextRun(month);
});

test("server errors before the transfers leave the payouts unknown, and the next run pays each once", async () => {
  const month = await openApprovedMonth(PAYEES);
  await month.fault("error_500_before", PAYEES);
  expect(await month.pay()).toMatchObject({ results: { unknown: PAYEES } });
  await expectResolvedByNextRun(month);
});

test("a mixture of everything that can go wrong with an answer ends with each payee paid once", async () => {
  const month = await openApprovedMonth(12);
  for (const kind of ["drop_after", "drop_before", "error_500_before", "rate_limit", "drop_after"]) {
    await month.fault(kind, 3);
  }
  await month.fault("hang_after", 2);
  const first = await month.pay(month.openProvider({ timeoutMs: 500 }));
  expect(first.stopped).toBeNull();
  await month.simulator.control("DELETE", "/faults");
  expect(await month.pay()).toMatchObject({ problems: [] });
  await expectTransfersToMatchPlan(month);
});
