import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { present } from "../../src/kernel/index.ts";
import type { MonthEvent } from "../stories/generated-month.ts";
import { check } from "./harness/check.ts";
import { Report } from "./harness/report.ts";
import { FAULTS_SEED } from "./harness/settings.ts";
import { type Stage, startStage } from "./harness/stage.ts";
import { deadLettersAfter, newestDeadLetter } from "./poison/dead-letters.ts";
import { appendStraight, freshEvents } from "./producing/batches.ts";

const HORIZON_DAYS = 45;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

const report = new Report("Events older than the horizon of identities");
let stage: Stage;

beforeAll(async () => {
  const environment = { IDENTITY_HORIZON_DAYS: `${HORIZON_DAYS}` };
  stage = await startStage({ seed: FAULTS_SEED, log: "postgres", partitions: 2, workers: 1, environment });
});

afterAll(async () => {
  await stage?.stop();
  await report.publish(FAULTS_SEED);
});

describe(`with a horizon of ${HORIZON_DAYS} days (FAULTS_SEED=${FAULTS_SEED})`, () => {
  test("an older event is refused at both doors with its bytes kept, and one that is younger is metered once", () =>
    report.tell("older than the dedupe horizon", olderThanHorizon));
});

async function olderThanHorizon() {
  const newest = await newestDeadLetter(stage);
  const old = eventsOf("old", HORIZON_DAYS * DAY_MS + MINUTE_MS);
  const young = eventsOf("young", HORIZON_DAYS * DAY_MS - 60 * MINUTE_MS);
  await expect(stage.producer.deliver(old)).rejects.toThrow('"code":"time_too_old"');
  await appendStraight(stage, [...old.map((event) => [event]), young, young]);
  const { acknowledged } = stage.producer;
  acknowledged.events = acknowledged.events.filter((event) => !old.some(({ id }) => id === event.id));
  await stage.producer.deliver(young);
  stage.expected.dead += BigInt(old.length);
  await check(stage);
  const letters = await deadLettersAfter(stage, newest);
  expect(letters.map(({ reason, raw }) => `${reason} ${raw}`).sort()).toEqual(
    old.map((event) => `time_too_old ${JSON.stringify(event)}`).sort(),
  );
  // It will not get younger: it dies again.
  await stage.call("POST", `/dead-letters/${present(letters[0], "a dead letter").id}/replay`);
  stage.expected.dead += 1n;
  await check(stage);
  return {
    done: `${old.length} a minute older are dead letters, ${young.length} younger are billed once`,
    events: young.length,
  };
}

function eventsOf(name: string, agoMs: number): MonthEvent[] {
  const time = new Date(Date.now() - agoMs).toISOString();
  return freshEvents(stage, name, 10).map((event) => ({ ...event, time }));
}
