import { afterEach, beforeEach, expect, test } from "vitest";
import type { Sql } from "../../src/postgres/index.ts";
import { startTestMetering, type TestMetering } from "../support/metering.ts";
import { until } from "../support/until.ts";
import { usageEvent } from "../support/usage.ts";

let metering: TestMetering;
beforeEach(async () => {
  metering = await startTestMetering();
});
afterEach(() => metering.drop());

const versions = (from: number, count: number) =>
  Array.from({ length: count }, (_, n) => usageEvent({ id: `${from + n}`, version: `v${from + n}` }));

test("terms are found by their key, also when the planner was told that there are none", async () => {
  const { sql } = metering;
  await sql`ANALYZE`;
  await metering.apply(0, versions(0, 100));
  await metering.apply(
    0,
    versions(50, 100).map((event, n) => ({ ...event, id: `again-${n}` })),
  );
  // The session that applied tells its statistics when it has been idle for a while.
  await until(async () => (await walkedIndexes(sql)).some(({ terms }) => terms > 0));
  expect(await walkedIndexes(sql)).toEqual([
    { index: expect.stringMatching("_model_version_no_"), terms: 50 },
  ]);
});

function walkedIndexes(sql: Sql) {
  return sql<{ index: string; terms: number }[]>`
    SELECT indexrelname AS index, idx_tup_read::int AS terms FROM pg_stat_user_indexes
    WHERE relname = 'usage_term' AND idx_tup_read > 0`;
}
