import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { present } from "../../src/kernel/index.ts";
import type { MonthEvent } from "../stories/generated-month.ts";
import { until } from "../support/until.ts";
import { check, meteringCounters } from "./harness/check.ts";
import { Report } from "./harness/report.ts";
import { FAULTS_SEED } from "./harness/settings.ts";
import { type Stage, startStage } from "./harness/stage.ts";
import { busyDatabase } from "./log/busy-database.ts";
import { type KafkaAdmin, openKafkaAdmin } from "./log/kafka-admin.ts";
import { acceptLoss, allHealthy, restartWorkers } from "./log/operator.ts";
import { metricOf, untilAlarmed } from "./log/worker-health.ts";
import { type ForeignProducer, openForeignProducer } from "./poison/foreign-producer.ts";
import { freshEvents } from "./producing/batches.ts";

const PARTITIONS = 2;
const LOST = 12;
const KEPT = 8;

const report = new Report("A Kafka log that loses records");
let stage: Stage;
let admin: KafkaAdmin;
let foreign: ForeignProducer;

beforeAll(async () => {
  stage = await startStage({ seed: FAULTS_SEED, log: "kafka", partitions: PARTITIONS, workers: 1 });
  const { brokers } = present(stage.broker, "a broker");
  admin = await openKafkaAdmin(brokers);
  foreign = await openForeignProducer(brokers);
  await stage.producer.deliver(stage.usage.take(150));
  await check(stage);
});

afterAll(async () => {
  await foreign?.close();
  await admin?.close();
  await stage?.stop();
  await report.publish(FAULTS_SEED);
});

const theWorker = () => present(stage.workers[0], "the worker");

describe(`records that are gone before they were metered (FAULTS_SEED=${FAULTS_SEED})`, () => {
  test("retention that overtakes the cursor while the worker is down stops the partition, and no other", () =>
    report.tell("retention overtook the cursor, the worker was down", () =>
      overtaken(0, {
        rest: () => theWorker().stop(),
        wake: () => theWorker().start(),
      }),
    ));

  test("retention that overtakes the cursor while the worker is busy stops the partition, and no other", async () => {
    const busy = await busyDatabase(stage);
    await report
      .tell("retention overtook the cursor of a worker that was busy", () =>
        overtaken(1, {
          async rest() {
            // It tells then what it has fetched.
            await theWorker().stop();
            const { ready } = theWorker();
            await theWorker().launch({ environment: { LOG_LEVEL: "debug" } });
            await theWorker().untilReady(ready);
            await busy.begin();
            await produceMetered("in-hand");
            await busy.untilWaitedFor();
            // One batch is read ahead while another is applied; after it, nothing more is fetched.
            const ahead = await produceMetered("ahead");
            await until(() =>
              theWorker().hasSaid(new RegExp(`"partition":1,"from":"${ahead}".*usage fetched`)),
            );
          },
          wake: () => busy.end(),
        }),
      )
      .finally(() => busy.close());
  });

  test(
    "a topic that is deleted and made again under a running worker stops all of it, and nothing is billed twice when all is sent again",
    () => report.tell("the topic was deleted and made again", madeAgain),
    300_000,
  );
});

/** One record on partition 1, whose event will be metered. Answers its offset. */
async function produceMetered(what: string): Promise<bigint> {
  const fresh = freshEvents(stage, what, 1);
  const offset = await foreign.produce(1, fresh.map(bytesOf));
  stage.producer.acknowledged.events.push(...fresh);
  return offset;
}

/** While the worker rests, some records come and go, and some come and stay. */
async function overtaken(partition: number, worker: { rest(): Promise<void>; wake(): Promise<void> }) {
  const { events } = stage.producer.acknowledged;
  const other = 1 - partition;
  const fresh = (what: string, count: number) => freshEvents(stage, `${what}-${partition}`, count);
  await worker.rest();
  const cursor = await foreign.produce(partition, fresh("lost", LOST).map(bytesOf));
  const kept = fresh("kept", KEPT);
  const elsewhere = fresh("elsewhere", KEPT);
  await foreign.produce(partition, kept.map(bytesOf));
  await foreign.produce(other, elsewhere.map(bytesOf));
  const start = cursor + BigInt(LOST);
  await admin.deleteBefore(partition, start);
  await worker.wake();

  const alarm = new RegExp(
    `partition ${partition} .*begins at ${start}, after (the|its) cursor at ${cursor}`,
  );
  const lag = (of: number) => metricOf(theWorker(), `tributary_metering_lag_records{partition="${of}"}`);
  for (const again of [false, true]) {
    // An alarm that a restart makes go away would be a jump that takes a little longer.
    if (again) await restartWorkers(stage);
    await untilAlarmed(theWorker(), [alarm]);
    await until(async () => (await lag(other)) === 0);
    await until(async () => (await lag(partition)) === LOST + KEPT);
    // /healthz says it too when only the sampled cursor tells, before the worker itself comes there.
    const halted = `tributary_metering_halted{partition="${partition}"}`;
    await until(async () => (await metricOf(theWorker(), halted)) === 1);
    expect((await meteringCounters(stage)).lag).toBe(LOST + KEPT);
  }
  expect(await theWorker().lastWords()).toContain("metering of a partition stopped");

  await acceptLoss(stage, partition);
  await allHealthy(stage);
  events.push(...kept, ...elsewhere);
  await check(stage);
  return {
    done: `records ${cursor} to ${start - 1n} deleted: alarm in /healthz, metrics and log, also after a restart; the other partition went on; after an operator's decision all that is left is exact`,
    events: KEPT * 2,
  };
}

async function madeAgain() {
  const before = await meteringCounters(stage);
  await admin.deleteTopic();
  const { acknowledged } = stage.producer;
  const waiting = freshEvents(stage, "while-gone", 40);
  const delivery = stage.producer.deliver(waiting);
  await until(() => acknowledged.retries > 0);
  await (await stage.openLog()).close();
  await delivery;
  for (const again of [false, true]) {
    if (again) await restartWorkers(stage);
    await untilAlarmed(theWorker(), [/partition 0 .*made anew/, /partition 1 .*made anew/]);
    const counters = await meteringCounters(stage);
    expect(counters).toMatchObject({ consumed: before.consumed, applied: before.applied });
    expect(counters.lag).toBeGreaterThan(0);
  }
  for (let partition = 0; partition < PARTITIONS; partition += 1) await acceptLoss(stage, partition);
  await allHealthy(stage);
  const all = [...acknowledged.events] as MonthEvent[];
  for (let from = 0; from < all.length; from += 200)
    await stage.producer.deliver(all.slice(from, from + 200));
  const figures = await check(stage);
  expect(figures.duplicate - before.duplicate).toBeGreaterThanOrEqual(BigInt(all.length - waiting.length));
  return {
    done: "producers waited while it was gone; all partitions stopped; after an operator's decision everything was sent again",
    events: waiting.length,
  };
}

function bytesOf(event: MonthEvent): Buffer {
  return Buffer.from(JSON.stringify(event));
}
