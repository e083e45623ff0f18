import pino from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openPostgresUsageLog } from "../../src/adapters/postgres-log/postgres-usage-log.ts";
import { runChecks } from "../../src/audit/index.ts";
import { applyBatch } from "../../src/metering/apply-batch.ts";
import { consumeLog } from "../../src/metering/index.ts";
import { openSql } from "../../src/postgres/index.ts";
import { setOddDefaults } from "../support/database.ts";
import { LOG_ID, recordsOf, startTestMetering, type TestMetering } from "../support/metering.ts";
import { until } from "../support/until.ts";
import { usageEvent } from "../support/usage.ts";

/** Where the cost of an event grew with their number, these took minutes, and a partition stood for ever. */
const EVENTS = 10_000;
const APPENDED = new Date("2023-12-20T00:00:00Z");
const PER_RECORD = 1_000;

let metering: TestMetering;
beforeEach(async () => {
  metering = await startTestMetering();
});
afterEach(() => metering.drop());

async function applyAll(eventOf: (n: number) => unknown): Promise<void> {
  const values = Array.from({ length: EVENTS / PER_RECORD }, (_, record) =>
    Array.from({ length: PER_RECORD }, (_, n) => eventOf(record * PER_RECORD + n)),
  );
  const held = await metering.claim(0);
  const records = recordsOf(values, held.nextOffset, APPENDED);
  const to = held.nextOffset + BigInt(records.length);
  await applyBatch(metering.sql, { logId: LOG_ID, partition: 0, ...held, to }, records);
}

async function lawsHold(): Promise<void> {
  for (const { law, differences } of await runChecks(metering.sql))
    expect([law, differences]).toEqual([law, []]);
}

describe("a batch of nothing but the unusual", () => {
  test("events of customers that nobody knows are parked with all that they said", async () => {
    await applyAll((n) =>
      usageEvent({
        id: `e${n}`,
        customer: `nobody-${n}`,
        version: `v${n % 7}`,
        metrics: { frames: n, predict_time: 1 },
      }),
    );
    expect(await metering.counters()).toMatchObject({ parked: EVENTS, consumed: EVENTS });
    const wrong = await metering.sql`
      SELECT event FROM parked_event
      WHERE event->>'u' <> 'nobody-' || substr(event->>'e', 2) OR event->'q'->>'frames' <> substr(event->>'e', 2)
        OR event->'q'->>'predict_seconds' <> '1000000' OR reason <> 'unknown_customer'
        OR event->>'v' <> 'v' || substr(event->>'e', 2)::int % 7`;
    expect(wrong.slice(0, 2)).toEqual([]);
    await lawsHold();
  });

  test("events that contradict what was metered are dead letters, each with its own bytes", async () => {
    await applyAll((n) => usageEvent({ id: `e${n}` }));
    const changed = (n: number) => usageEvent({ id: `e${n}`, metrics: { input_token_count: 2000 + n } });
    await applyAll(changed);
    expect(await metering.counters()).toMatchObject({ applied: EVENTS, conflict: EVENTS });
    const letters = await metering.deadLetters();
    expect(letters.map(({ raw }) => `${raw}`)).toEqual(
      Array.from({ length: EVENTS }, (_, n) => JSON.stringify(changed(n))),
    );
    await lawsHold();
  });

  test("events that each name another version are metered", async () => {
    await applyAll((n) => usageEvent({ id: `e${n}`, version: `v${n}` }));
    expect(await metering.counters()).toMatchObject({ applied: EVENTS });
  });
});

test("a batch that the database cannot apply as a whole is applied in parts", async () => {
  const { sql } = metering;
  await sql.unsafe(`CREATE FUNCTION too_many() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE 'out of something' USING ERRCODE = 'query_canceled'; END $$`);
  await sql.unsafe(`CREATE TRIGGER too_many BEFORE INSERT ON usage_block FOR EACH ROW
    WHEN (NEW.event_count > 3) EXECUTE FUNCTION too_many()`);
  const log = await openPostgresUsageLog({ sql, partitions: 1, log: { warn: () => {} } });
  const records = Array.from({ length: 30 }, (_, n) => usageEvent({ id: `e${n}` }));
  await log.append(records.map((event) => ({ key: event.id, value: Buffer.from(JSON.stringify(event)) })));
  const reading = await consumeLog(log, sql, pino({ level: "silent" }));
  try {
    await until(async () => {
      const [row] = await sql<
        [{ applied: string }]
      >`SELECT coalesce(sum(applied), 0)::text AS applied FROM metering_cursor`;
      return row.applied === "30";
    });
  } finally {
    await reading.stop();
    await log.close();
  }
  await lawsHold();
});

test("whatever somebody made the defaults of the database, events are metered as ever", async () => {
  const { sql } = metering;
  await setOddDefaults(sql);
  const { host, port, user, pass, database } = sql.options;
  const url = `postgres://${user}:${encodeURIComponent(String(pass))}@${host[0]}:${port[0]}/${database}`;
  const later = openSql(url);
  try {
    const records = recordsOf(
      [
        [usageEvent({ id: "a" }), usageEvent({ id: "b", time: "2023-11-30T23:59:59.999999Z" })],
        "\u0000\\poison",
      ],
      0n,
      APPENDED,
    );
    const held = await metering.claim(0);
    await applyBatch(later, { logId: LOG_ID, partition: 0, ...held, to: 2n }, records);
    expect(await metering.counters()).toMatchObject({ applied: 2, dead: 1 });
    const [letter] = await later<[{ raw: Buffer }]>`SELECT raw FROM dead_letter`;
    expect(`${letter.raw}`).toBe("\u0000\\poison");
    const settings = await later<{ name: string; setting: string }[]>`
      SELECT name, setting FROM pg_settings WHERE name IN ('default_transaction_isolation', 'synchronous_commit', 'TimeZone') ORDER BY lower(name)`;
    expect(settings.map(({ setting }) => setting)).toEqual(["read committed", "on", "UTC"]);
  } finally {
    await later.end({ timeout: 5 });
  }
  await lawsHold();
});
