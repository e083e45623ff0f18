import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { present } from "../../src/kernel/index.ts";
import type { MonthEvent } from "../stories/generated-month.ts";
import { until } from "../support/until.ts";
import { OPERATOR_KEY } from "./harness/api-client.ts";
import { check, meteringCounters } from "./harness/check.ts";
import { Report } from "./harness/report.ts";
import { FAULTS_SEED } from "./harness/settings.ts";
import { type Stage, startStage } from "./harness/stage.ts";
import { garbage } from "./poison/arbitrary-records.ts";
import { deadLettersAfter, newestDeadLetter } from "./poison/dead-letters.ts";
import { type ForeignProducer, openForeignProducer } from "./poison/foreign-producer.ts";
import { oddEvents } from "./poison/odd-events.ts";
import { type HttpAnswer, POISON, type Poison } from "./poison/records.ts";

const PARTITIONS = 4;
const RUNS = 12;
const RECORDS_PER_RUN = 60;

const report = new Report("Poison in Kafka and over HTTP");
let stage: Stage;
let foreign: ForeignProducer;
let eventsMade = 0;

beforeAll(async () => {
  stage = await startStage({ seed: FAULTS_SEED, log: "kafka", partitions: PARTITIONS, workers: 1 });
  foreign = await openForeignProducer(present(stage.broker, "a broker").brokers);
});

afterAll(async () => {
  await foreign?.close();
  await stage?.stop();
  await report.publish(FAULTS_SEED);
});

describe(`a record that is no event (FAULTS_SEED=${FAULTS_SEED})`, () => {
  test.each(POISON)(
    "$name in Kafka becomes a dead letter with its exact bytes, and the next record goes on",
    (poison) => report.tell(`in Kafka: ${poison.name}`, () => poisonTopic(poison)),
  );

  test.each(POISON.filter(({ http }) => http !== null))(
    "$name over HTTP is refused, and nothing of it is in the log",
    (poison) => report.tell(`over HTTP: ${poison.name}`, () => poisonApi(poison)),
  );

  test(
    "whatever the bytes of a record are, all good events around it are metered",
    () => report.tell("any bytes as records", anyBytes),
    300_000,
  );

  test("after all of it every figure is exact", () => check(stage));
});

describe("a record that looks like poison", () => {
  test("is metered as what it says, from Kafka and over HTTP", () =>
    report.tell("odd ways to write a good event", oddWays));
});

async function poisonTopic({ value, dead }: Poison) {
  const newest = await newestDeadLetter(stage);
  const before = await meteringCounters(stage);
  const [first, last] = [goodEvent(), goodEvent()];
  const partition = Math.floor(stage.usage.random() * PARTITIONS);
  const offset = await foreign.produce(partition, [bytesOf(first), value, bytesOf(last)]);
  stage.producer.acknowledged.events.push(first, last);
  stage.expected.dead += BigInt(dead.length);
  await caughtUp();
  const place = { partition, offset: `${offset + 1n}`, message: expect.stringMatching(/./), replayed: false };
  const letters = await deadLettersAfter(stage, newest);
  expect(
    letters.map(({ raw, ...letter }, index) => ({ ...letter, kept: dead[index]?.raw.equals(raw) })),
  ).toEqual(
    dead.map(({ reason }, index) => ({ id: expect.any(String), reason, index, ...place, kept: true })),
  );
  const after = await meteringCounters(stage);
  expect(after.applied - before.applied).toBe(2n);
  expect(after.consumed - before.consumed).toBe(2n + BigInt(dead.length));
  return { done: `dead: ${[...new Set(dead.map(({ reason }) => reason))]}, bytes kept`, events: 2 };
}

async function poisonApi({ value, http }: Poison) {
  const before = await meteringCounters(stage);
  const answer = await post(present(value, "a body"));
  expect(answer).toEqual(http);
  const next = goodEvent();
  await stage.producer.deliver([next]);
  await caughtUp();
  const after = await meteringCounters(stage);
  expect(after.consumed - before.consumed).toBe(1n);
  return { done: `refused: ${JSON.stringify(http)}`, events: 1 };
}

/** Good events and garbage, mixed, in every partition. The good ones are counted, and the garbage is kept. */
async function anyBytes() {
  const begun = eventsMade;
  await fc.assert(
    fc.asyncProperty(
      fc.array(garbage, { minLength: 10, maxLength: RECORDS_PER_RUN, size: "max" }),
      async (records) => {
        const newest = await newestDeadLetter(stage);
        const before = await meteringCounters(stage);
        const good = records.map(() => goodEvent());
        const offsets = new Map<string, Buffer>();
        for (const [index, { value }] of records.entries()) {
          const partition = index % PARTITIONS;
          const offset = await foreign.produce(partition, [
            value,
            bytesOf(present(good[index], "a good event")),
          ]);
          offsets.set(`${partition} ${offset}`, value ?? Buffer.alloc(0));
        }
        stage.producer.acknowledged.events.push(...good);
        const dead = BigInt(records.reduce((sum, { counts }) => sum + counts, 0));
        stage.expected.dead += dead;
        await caughtUp();
        const after = await meteringCounters(stage);
        expect(after.applied - before.applied).toBe(BigInt(good.length));
        expect(after.consumed - before.consumed).toBe(BigInt(good.length) + dead);
        for (const letter of await deadLettersAfter(stage, newest)) {
          const record = present(
            offsets.get(`${letter.partition} ${letter.offset}`),
            "a garbage record there",
          );
          // Of what is no JSON and no broken event a hash and a head are kept.
          const hash = createHash("sha256").update(record).digest("hex");
          expect(record.includes(letter.raw) || letter.raw.includes(hash)).toBe(true);
        }
      },
    ),
    { seed: FAULTS_SEED, numRuns: RUNS, endOnFailure: true },
  );
  return {
    done: `${RUNS} runs of up to ${RECORDS_PER_RUN} records between good events`,
    events: eventsMade - begun,
  };
}

async function oddWays() {
  const inKafka = oddEvents(goodEvent);
  for (const [index, { value }] of inKafka.entries()) await foreign.produce(index % PARTITIONS, [value]);
  // A byte order mark is no JSON over HTTP; all else is taken.
  const overHttp = oddEvents(() => ({ ...goodEvent(), source: "//over/http" }));
  for (const { name, value, meant } of overHttp) {
    expect([name, await post(value)]).toEqual([name, { rejected: [] }]);
    stage.producer.acknowledged.events.push(meant);
  }
  stage.producer.acknowledged.events.push(...inKafka.map(({ meant }) => meant));
  await check(stage);
  return {
    done: `${inKafka.length} ways, e.g. ${inKafka[0]?.name}`,
    events: inKafka.length + overHttp.length,
  };
}

async function post(body: Buffer): Promise<HttpAnswer> {
  const batch = body.toString("latin1").trimStart().startsWith("[");
  const response = await fetch(`${stage.api.url}/v1/events`, {
    method: "POST",
    body: new Uint8Array(body),
    headers: {
      authorization: `Bearer ${OPERATOR_KEY}`,
      "content-type": batch ? "application/cloudevents-batch+json" : "application/cloudevents+json",
    },
  });
  const answer = (await response.json()) as { code?: string; rejected?: { code: string }[] };
  if (answer.rejected !== undefined) return { rejected: answer.rejected.map(({ code }) => code) };
  return { status: response.status, code: answer.code ?? "" };
}

/** Always a new one. */
function goodEvent(): MonthEvent {
  eventsMade += 1;
  return { ...present(stage.usage.take(1)[0], "an event"), id: `beside-poison-${eventsMade}` };
}

function bytesOf(event: MonthEvent): Buffer {
  return Buffer.from(JSON.stringify(event));
}

async function caughtUp(): Promise<void> {
  await until(async () => (await meteringCounters(stage)).lag === 0);
}
