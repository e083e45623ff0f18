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

  test("a forgotten identity is never metered again, whatever a process is configured with, and what comes after it is", async () => {
    await apply([old, young]);
    const floor = present(parseInstant("2023-11-19T12:00:00Z"), "a time");
    await metering.sql`UPDATE usage_block SET booked_at = '2023-11-01T00:00:00Z'`;
    expect(await forgetIdentities(metering.sql, floor)).toBe(2);
    const before = usageEvent({ id: "before", time: "2023-11-19T11:59:59.999999Z" });
    const after = usageEvent({ id: "after", time: "2023-11-19T12:00:00Z" });
    await apply([old, [before, after, "not an event"], young]);
    expect(await metering.counters()).toMatchObject({ consumed: 7, applied: 3, duplicate: 0, dead: 4 });
    expect((await metering.deadLetters()).map(({ reason }) => reason)).toEqual([
      "time_too_old",
      "time_too_old",
      "event_invalid",
      "time_too_old",
    ]);
    expect(await metering.quantities()).toMatchObject({ "ada/llm runs": "3" });
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
