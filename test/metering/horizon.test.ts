import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runChecks } from "../../src/audit/index.ts";
import { parseInstant, present } from "../../src/kernel/index.ts";
import { applyBatch } from "../../src/metering/apply-batch.ts";
import { forgetIdentities } from "../../src/metering/index.ts";
import { LOG_ID, recordsOf, startTestMetering, type TestMetering } from "../support/metering.ts";
import { usageEvent } from "../support/usage.ts";

const APPENDED = new Date("2023-11-20T00:00:00Z");
const old = usageEvent({ id: "old", time: "2023-10-05T00:00:00Z" });
const young = usageEvent({ id: "young", time: "2023-10-07T00:00:00Z" });

describe("with an identity horizon", () => {
  let metering: TestMetering;
  beforeEach(async () => {
    metering = await startTestMetering();
  });
  afterEach(() => metering.drop());

  async function apply(values: unknown[], horizonDays?: number): Promise<void> {
    const { sql } = metering;
    const held = await metering.claim(0);
    const records = recordsOf(values, held.nextOffset, APPENDED);
    const to = held.nextOffset + BigInt(records.length);
    await applyBatch(sql, { logId: LOG_ID, partition: 0, ...held, to }, records, { horizonDays });
  }

  test("an event that was older when the log took it becomes a dead letter, and the next one goes on", async () => {
    await apply([old, young], 45);
    expect(await metering.counters()).toMatchObject({ consumed: 2, applied: 1, dead: 1 });
    expect(await metering.deadLetters()).toMatchObject([{ reason: "time_too_old" }]);
  });

  test("a forgotten identity is never metered again, whatever a process is configured with", async () => {
    await apply([old, young]);
    const floor = present(parseInstant("2100-01-01T00:00:00Z"), "a time");
    expect(await forgetIdentities(metering.sql, floor)).toBe(2);
    const before = await metering.everything();
    await expect(apply([old])).rejects.toThrow("before_identity_floor");
    await expect(apply([usageEvent({ id: "new", time: "2023-11-19T00:00:00Z" })])).rejects.toThrow(
      "before_identity_floor",
    );
    expect((await metering.everything()).replaceAll(/"epoch": \d+/g, "")).toBe(
      before.replaceAll(/"epoch": \d+/g, ""),
    );
    for (const { law, differences } of await runChecks(metering.sql))
      expect([law, differences]).toEqual([law, []]);
  });

  test("identities of what was booked after the floor stay", async () => {
    await apply([old, young]);
    const floor = present(parseInstant("2023-10-06T00:00:00Z"), "a time");
    expect(await forgetIdentities(metering.sql, floor)).toBe(0);
    await apply([young]);
    expect(await metering.counters()).toMatchObject({ applied: 2, duplicate: 1 });
  });
});
