import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { present } from "../../src/kernel/index.ts";
import { until } from "../support/until.ts";
import { request } from "./harness/api-client.ts";
import { check, meteringCounters } from "./harness/check.ts";
import { Producer } from "./harness/producer.ts";
import { Report } from "./harness/report.ts";
import { FAULTS_EVENTS, FAULTS_SEED } from "./harness/settings.ts";
import { type Stage, startStage } from "./harness/stage.ts";
import { type ForeignProducer, openForeignProducer } from "./poison/foreign-producer.ts";
import {
  EVENTS_PER_HEAVY_BATCH,
  EVENTS_PER_PADDED_RECORD,
  heavy,
  paddedRecord,
} from "./pressure/heavy-events.ts";
import { MemoryWatch } from "./pressure/memory-watch.ts";
import { slowDatabaseWhile } from "./pressure/slow-database.ts";

const PARTITIONS = 4;
/** What one worker may hold: what it fetched from four partitions, read and unread. */
const WORKER_MIB_MAX = 1024;
/** What the API may hold: 64 MiB that wait for the log, and the requests that bring them. */
const API_MIB_MAX = 768;
/** About 0.9 MB each: with the 300 of FAULTS_EVENTS, 135 MB. */
const PADDED_RECORDS = Math.ceil(FAULTS_EVENTS / 2);
const HTTP_BATCHES = Math.ceil(FAULTS_EVENTS / 10);
const EVENTS_PER_HTTP_BATCH = 300;
/** Together they bring more than may wait in the API. */
const PRODUCERS_AT_ONCE = 110;

const report = new Report("Backpressure, with Kafka");
let stage: Stage;
let foreign: ForeignProducer;

beforeAll(async () => {
  stage = await startStage({ seed: FAULTS_SEED, log: "kafka", partitions: PARTITIONS, workers: 1 });
  foreign = await openForeignProducer(present(stage.broker, "a broker").brokers);
});

afterAll(async () => {
  await foreign?.close();
  await stage?.stop();
  await report.publish(FAULTS_SEED);
});

describe(`more than can be taken (FAULTS_SEED=${FAULTS_SEED})`, () => {
  test("from a database ten times slower than the producers nothing is lost, and memory stays bounded", () =>
    report.tell("a database ten times slower than the producers", slowDatabase));

  test("while the log takes nothing producers are told to wait, memory stays bounded, and nothing is lost", () =>
    report.tell("a log that takes nothing", logTakesNothing));
});

async function slowDatabase() {
  const { memory, result } = await watched(async () => {
    let lagMax = 0;
    const produced = Promise.all([produceOverHttp(), producePadded()]).then(async () => {
      lagMax = (await meteringCounters(stage)).lag;
    });
    await slowDatabaseWhile(stage, produced);
    await check(stage);
    return lagMax;
  });
  const events = PADDED_RECORDS * EVENTS_PER_PADDED_RECORD + HTTP_BATCHES * EVENTS_PER_HTTP_BATCH;
  expect(result).toBeGreaterThan(PADDED_RECORDS / 2);
  return {
    done: `${result} records of ${PADDED_RECORDS + HTTP_BATCHES} waited at the end; at most ${memory}`,
    events,
  };
}

async function produceOverHttp(): Promise<void> {
  for (let batch = 0; batch < HTTP_BATCHES; batch += 1)
    await stage.producer.deliver(stage.usage.take(EVENTS_PER_HTTP_BATCH));
}

async function producePadded(): Promise<void> {
  for (let record = 0; record < PADDED_RECORDS; record += 1) {
    const events = stage.usage.take(EVENTS_PER_PADDED_RECORD);
    await foreign.produce(record % PARTITIONS, [paddedRecord(events)]);
    stage.producer.acknowledged.events.push(...events);
  }
}

async function logTakesNothing() {
  const broker = present(stage.broker, "a broker");
  let refused = 0;
  // More patient than the API: it wants to hear what happened.
  const patient = new Producer(async (body) => {
    const contentType = "application/cloudevents-batch+json";
    const signal = AbortSignal.timeout(60_000);
    const response = await request(stage.api.url, {
      method: "POST",
      path: "/events",
      body,
      contentType,
      signal,
    });
    if (response.status !== 503) return response;
    expect(response.headers.get("retry-after")).not.toBeNull();
    expect(await response.clone().json()).toMatchObject({ code: "log_unavailable" });
    refused += 1;
    return response;
  });
  const { memory } = await watched(async () => {
    broker.freeze();
    try {
      const deliveries = Array.from({ length: PRODUCERS_AT_ONCE }, () =>
        patient.deliver(stage.usage.take(EVENTS_PER_HEAVY_BATCH).map(heavy)),
      );
      await until(() => refused >= PRODUCERS_AT_ONCE).finally(() => broker.thaw());
      await Promise.all(deliveries);
    } finally {
      broker.thaw();
    }
    stage.producer.acknowledged.events.push(...patient.acknowledged.events);
    await check(stage);
  });
  return {
    done: `${refused} times 503 for ${PRODUCERS_AT_ONCE} producers at once, who waited and sent again; at most ${memory}`,
    events: PRODUCERS_AT_ONCE * EVENTS_PER_HEAVY_BATCH,
  };
}

/** Answers the largest memory of each process, in words. */
async function watched<T>(work: () => Promise<T>): Promise<{ memory: string; result: T }> {
  const watch = new MemoryWatch([stage.api, ...stage.workers]);
  watch.start();
  const result = await work().finally(() => watch.stop());
  const maxima = [...(await watch.stop())];
  for (const [name, mib] of maxima)
    expect(mib, `${name} MiB`).toBeLessThan(name === "api" ? API_MIB_MAX : WORKER_MIB_MAX);
  return { memory: maxima.map(([name, mib]) => `${mib} MiB in ${name}`).join(", "), result };
}
