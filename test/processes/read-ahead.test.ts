import { afterAll, beforeAll, expect, test } from "vitest";
import { accrueOpenPeriods } from "../../src/earnings/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { createLogger } from "../../src/processes/logger.ts";
import { startReadingAhead } from "../../src/processes/schedule/read-ahead.ts";
import { earningsChanges, earningsOf, earningsSeries } from "../../src/statements/index.ts";
import { startTestMetering, type TestMetering } from "../support/metering.ts";
import { usageEvent } from "../support/usage.ts";

const NOVEMBER = { from: "2023-11-01", to: "2023-12-01", currency: "USD" };

let metering: TestMetering;

beforeAll(async () => {
  metering = await startTestMetering();
});
afterAll(() => metering.drop());

/** The same connections, counting what is asked over them. */
function counting(sql: Sql): { counted: Sql; asked: () => number } {
  let asked = 0;
  const counted = new Proxy(sql, {
    apply(target, self, args) {
      asked++;
      return Reflect.apply(target as never, self, args);
    },
  });
  return { counted, asked: () => asked };
}

async function readAheadOver(sql: Sql): Promise<void> {
  const { catalog } = metering;
  await startReadingAhead({ sql, readers: null, catalog, logger: createLogger("error") }).done;
}

test("where nobody has earned anything there is nothing to be read ahead", async () => {
  const { counted, asked } = counting(metering.sql);
  await readAheadOver(counted);
  expect(asked()).toBe(1);
});

test("what the first page of a payee with much behind it shows is kept before it asks: only the moment is new", async () => {
  await metering.apply(0, [usageEvent({ id: "p1" }), usageEvent({ id: "p2" })]);
  await accrueOpenPeriods(metering.sql);
  const { counted, asked } = counting(metering.sql);
  await readAheadOver(counted);
  for (const question of [
    () => earningsOf(counted, "ada", { currency: "USD", groupBy: ["month"] }),
    () => earningsSeries(counted, "ada", { ...NOVEMBER, step: "day" }),
    () => earningsChanges(counted, "ada", NOVEMBER),
    () => earningsOf(counted, "ada", { ...NOVEMBER, groupBy: [] }),
  ]) {
    const before = asked();
    await question();
    expect(asked() - before).toBe(1);
  }
});
