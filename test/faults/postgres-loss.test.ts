import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { present } from "../../src/kernel/index.ts";
import type { MonthEvent } from "../stories/generated-month.ts";
import { until } from "../support/until.ts";
import { check, meteringCounters } from "./harness/check.ts";
import { Report } from "./harness/report.ts";
import { FAULTS_SEED } from "./harness/settings.ts";
import { type Stage, startStage } from "./harness/stage.ts";
import { acceptLoss, restartWorkers } from "./log/operator.ts";
import { metricOf, untilAlarmed, untilHealthy } from "./log/worker-health.ts";
import { appendStraight, freshEvents } from "./producing/batches.ts";

const report = new Report("A PostgreSQL log that loses records");
let stage: Stage;

beforeAll(async () => {
  stage = await startStage({ seed: FAULTS_SEED, log: "postgres", partitions: 2, workers: 1 });
  await stage.producer.deliver(stage.usage.take(150));
  await check(stage);
});

afterAll(async () => {
  await stage?.stop();
  await report.publish(FAULTS_SEED);
});

const theWorker = () => present(stage.workers[0], "the worker");
const lagOf = (partition: number) =>
  metricOf(theWorker(), `tributary_metering_lag_records{partition="${partition}"}`);

describe(`rows of the log that are gone before they were metered (FAULTS_SEED=${FAULTS_SEED})`, () => {
  test("deleted from the front, they stop the partition until they are back", () =>
    report.tell("rows deleted at the front of the PostgreSQL log", () =>
      deleted({ first: 0n, count: 3n }, (at) => `begins at ${at + 3n}, after (the|its) cursor at ${at}`),
    ));

  test("deleted from the middle, they stop the partition until they are back", () =>
    report.tell("a gap in the PostgreSQL log", () =>
      deleted({ first: 2n, count: 1n }, (at) => `record ${at + 2n} is missing`),
    ));

  test("deleted from the middle for good, they are passed over once a person accepts it, and nothing else is", () =>
    report.tell("a gap in the PostgreSQL log, accepted", acceptedGap));

  test("deleted from the end with their counter turned back, they stop the partition until they are back", () =>
    report.tell("the PostgreSQL log went back in time", wentBack));

  test("another identity of the log stops every partition until it is back", () =>
    report.tell("another PostgreSQL log", anotherLog));
});

/** Partition 0 loses rows that the cursor has before it; then they are restored, as from a backup. */
async function deleted(lost: { first: bigint; count: bigint }, reason: (cursor: bigint) => string) {
  const { sql } = stage.database;
  await theWorker().stop();
  const cursor = await endOf(0);
  const events = await appendToBoth(`lost-${lost.first}`);
  // At the front, what was metered goes too: otherwise it would be a gap behind it.
  const from = lost.first === 0n ? "0" : `${cursor + lost.first}`;
  const upTo = `${cursor + lost.first + lost.count}`;
  await sql`CREATE TABLE backup AS SELECT * FROM usage_log_record
    WHERE partition = 0 AND "offset" >= ${from} AND "offset" < ${upTo}`;
  await sql`DELETE FROM usage_log_record r USING backup b WHERE r.partition = b.partition AND r."offset" = b."offset"`;
  await theWorker().start();
  const alarm = new RegExp(`partition 0 .*${reason(cursor)}`);
  for (const again of [false, true]) {
    if (again) await restartWorkers(stage);
    await untilAlarmed(theWorker(), [alarm]);
    await until(async () => (await lagOf(1)) === 0);
    expect(Number(await lagOf(0))).toBeGreaterThan(0);
  }
  expect(await theWorker().lastWords()).toContain("metering of a partition stopped");
  await sql`INSERT INTO usage_log_record SELECT * FROM backup`;
  await sql`DROP TABLE backup`;
  await restartWorkers(stage);
  await untilHealthy(theWorker());
  await check(stage);
  return { done: `${lost.count} rows: alarm, also after a restart; restored and exact`, events };
}

/** What is gone is never counted, unless the producer sends it again; everything around it is. */
async function acceptedGap() {
  const { sql } = stage.database;
  await theWorker().stop();
  const at = (await endOf(0)) + 1n;
  const events = await appendToBoth("accepted");
  const [gone] = await sql<[{ value: Buffer }]>`
    DELETE FROM usage_log_record WHERE partition = 0 AND "offset" = ${`${at}`} RETURNING value`;
  await theWorker().start();
  await untilAlarmed(theWorker(), [new RegExp(`partition 0 .*record ${at} is missing`)]);
  await acceptLoss(stage, 0);
  await untilHealthy(theWorker());
  await until(async () => (await lagOf(0)) === 0);
  await stage.producer.deliver(JSON.parse(`${gone.value}`) as MonthEvent[]);
  await check(stage);
  return { done: "alarm; accepted: what stood around it is counted; sent again and exact", events };
}

/** As after a restore of the log alone from an older backup: the cursor is beyond its end. */
async function wentBack() {
  const { sql } = stage.database;
  const events = await appendToBoth("went-back");
  await check(stage);
  await theWorker().stop();
  const end = await endOf(0);
  const before = await meteringCounters(stage);
  await sql`UPDATE usage_log_partition SET next_offset = next_offset - 2 WHERE partition = 0`;
  await theWorker().start();
  await untilAlarmed(theWorker(), [
    new RegExp(`partition 0 .*ends at ${end - 2n}, before (the|its) cursor at ${end}`),
  ]);
  expect((await meteringCounters(stage)).consumed).toBe(before.consumed);
  await sql`UPDATE usage_log_partition SET next_offset = next_offset + 2 WHERE partition = 0`;
  await restartWorkers(stage);
  await untilHealthy(theWorker());
  await check(stage);
  return { done: "its end before the cursor: alarm; put right and exact", events };
}

async function anotherLog() {
  const { sql } = stage.database;
  await theWorker().stop();
  const [{ id }] = await sql<[{ id: string }]>`SELECT id FROM usage_log`;
  await sql`UPDATE usage_log SET id = gen_random_uuid()`;
  const before = await meteringCounters(stage);
  await theWorker().start();
  await untilAlarmed(theWorker(), [/partition 0 .*made anew/, /partition 1 .*made anew/]);
  const events = await appendToBoth("another-log");
  expect((await meteringCounters(stage)).consumed).toBe(before.consumed);
  await sql`UPDATE usage_log SET id = ${id}`;
  await restartWorkers(stage);
  await untilHealthy(theWorker());
  await check(stage);
  return { done: "its identity changed: all partitions stopped; put back and exact", events };
}

/** At least four records for each partition. Answers how many events. */
async function appendToBoth(name: string): Promise<number> {
  const ends = [(await endOf(0)) + 4n, (await endOf(1)) + 4n];
  let events = 0;
  for (let round = 0; (await endOf(0)) < (ends[0] ?? 0n) || (await endOf(1)) < (ends[1] ?? 0n); round += 1) {
    const batch = freshEvents(stage, `${name}-${round}`, 3);
    await appendStraight(stage, [batch]);
    events += batch.length;
  }
  return events;
}

async function endOf(partition: number): Promise<bigint> {
  const [row] = await stage.database.sql<[{ next: string }]>`
    SELECT next_offset::text AS next FROM usage_log_partition WHERE partition = ${partition}`;
  return BigInt(row.next);
}
