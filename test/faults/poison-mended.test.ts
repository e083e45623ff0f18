import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { present } from "../../src/kernel/index.ts";
import type { MonthEvent } from "../stories/generated-month.ts";
import { until } from "../support/until.ts";
import { check, meteringCounters } from "./harness/check.ts";
import { Report } from "./harness/report.ts";
import { FAULTS_SEED } from "./harness/settings.ts";
import { type Stage, startStage } from "./harness/stage.ts";
import { type DeadLetter, deadLettersAfter, newestDeadLetter } from "./poison/dead-letters.ts";
import { waitingEvents } from "./poison/odd-events.ts";
import { POISON } from "./poison/records.ts";
import { appendStraight, freshEvents } from "./producing/batches.ts";

const report = new Report("Poison that is mended");
const AHEAD_MAX_MS = 600_000;
let stage: Stage;

beforeAll(async () => {
  stage = await startStage({ seed: FAULTS_SEED, log: "postgres", partitions: 2, workers: 1 });
});

afterAll(async () => {
  await stage?.stop();
  await report.publish(FAULTS_SEED);
});

describe(`what could not be metered (FAULTS_SEED=${FAULTS_SEED})`, () => {
  test("is parked with its reason, and metered by itself once the catalogue knows it", () =>
    report.tell("unknown model, customer and price", becomesKnown));

  test("was too far in the future, and is metered when it is replayed at its time", () =>
    report.tell("a time too far in the future", itsTimeComes));

  test("and is still poison when it is replayed becomes another dead letter with the same bytes", () =>
    report.tell("poison replayed as it is", poisonReplayed));
});

async function becomesKnown() {
  const waiting = waitingEvents(() => fresh("waits"));
  const events = waiting.map(({ event }) => event);
  await stage.producer.deliver(events);
  // A retry of what is parked is a duplicate, as of anything else.
  await appendStraight(stage, [events]);
  stage.expected.waiting = BigInt(events.length);
  await check(stage);
  for (const { event, waitsFor } of waiting) {
    const found = await prediction(event);
    expect(found).toMatchObject({ state: "parked", waits_for: waitsFor, charged: null });
  }
  const { catalog } = stage.usage;
  const price = present(catalog.prices?.[0], "a price");
  const payee = present(stage.usage.payees[0], "a payee");
  const unknown = ["nobody/nothing", "__proto__/constructor"];
  const customer = { id: "nobody@nowhere", name: "Nobody", currency: "USD", country: "US" };
  const effective_from = "2000-01-01T00:00:00Z";
  const addition = {
    models: unknown.map((id) => ({ id, payee })),
    customers: [customer],
    prices: [...unknown, "maker/model-0"].map((model) => ({ ...price, model, effective_from })),
  };
  await stage.call("POST", "/catalog/import", addition);
  stage.usage.catalog = {
    ...catalog,
    models: [...(catalog.models ?? []), ...addition.models],
    customers: [...(catalog.customers ?? []), ...addition.customers],
    prices: [...(catalog.prices ?? []), ...addition.prices],
  };
  stage.expected.waiting = 0n;
  await until(async () => (await meteringCounters(stage)).waiting === 0n);
  await check(stage);
  for (const event of events) expect(await prediction(event)).toMatchObject({ state: "metered" });
  return {
    done: "parked with the reason; registered, they were metered by themselves",
    events: events.length,
  };
}

async function itsTimeComes() {
  const newest = await newestDeadLetter(stage);
  const at = Date.now() + AHEAD_MAX_MS + 5_000;
  const event = { ...fresh("ahead"), time: new Date(at).toISOString() };
  await appendStraight(stage, [[event]]);
  stage.producer.acknowledged.events.pop();
  stage.expected.dead += 1n;
  await check(stage);
  const [letter] = await deadLettersAfter(stage, newest);
  expect(letter).toMatchObject({ reason: "time_in_future", replayed: false });
  await until(() => Date.now() > at - AHEAD_MAX_MS);
  await replay(present(letter, "a dead letter"));
  stage.producer.acknowledged.events.push(event);
  await check(stage);
  await expect(replay(present(letter, "a dead letter"))).rejects.toThrow("already_replayed");
  return { done: "dead with its reason; replayed when it was near enough, it was metered", events: 1 };
}

/** Also what only Kafka can carry into a log, or only a partition's other records make readable. */
async function poisonReplayed() {
  const newest = await newestDeadLetter(stage);
  const whole = POISON.filter(
    ({ dead, value }) => dead.length === 1 && value !== null && dead[0]?.raw.equals(value),
  );
  const log = await stage.openLog();
  for (const { name, value } of whole) await log.append([{ key: name, value: present(value, "a record") }]);
  await log.close();
  stage.expected.dead += BigInt(whole.length);
  await check(stage);
  const dead = await deadLettersAfter(stage, newest);
  const newestAfter = await newestDeadLetter(stage);
  for (const letter of dead) await replay(letter);
  stage.expected.dead += BigInt(whole.length);
  await check(stage);
  const again = await deadLettersAfter(stage, newestAfter);
  const bytes = (letters: DeadLetter[]) =>
    letters.map(({ reason, raw }) => `${reason} ${raw.toString("base64")}`).sort();
  expect(bytes(again).every((text, index) => text === bytes(dead)[index])).toBe(true);
  expect((await deadLettersAfter(stage, newest)).filter(({ replayed }) => replayed)).toHaveLength(
    whole.length,
  );
  return { done: `${whole.length} dead letters: each died again, with the same bytes and reason`, events: 0 };
}

function replay(letter: DeadLetter): Promise<unknown> {
  return stage.call("POST", `/dead-letters/${letter.id}/replay`);
}

function prediction({ id, source }: MonthEvent): Promise<unknown> {
  return stage.call("GET", `/predictions/${encodeURIComponent(id)}?source=${encodeURIComponent(source)}`);
}

let made = 0;
/** Of the one model whose price is known in USD for every customer. */
function fresh(name: string): MonthEvent {
  made += 1;
  const event = present(freshEvents(stage, `${name}-${made}`, 1)[0], "an event");
  return { ...event, data: { ...event.data, model: "maker/model-0" } };
}
