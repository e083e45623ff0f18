import { afterAll, beforeAll, expect, test } from "vitest";
import { check } from "./harness/check.ts";
import { FAULTS_SEED } from "./harness/settings.ts";
import { type Stage, startStage } from "./harness/stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await startStage({ seed: FAULTS_SEED, log: "postgres", partitions: 2, workers: 1 });
  await stage.producer.deliver(stage.usage.take(200));
  await check(stage);
});

afterAll(() => stage?.stop());

test("the checker finds an event that is counted although nobody had it acknowledged", async () => {
  const { events } = stage.producer.acknowledged;
  const forgotten = events.splice(0, 50);
  await expect(check(stage)).rejects.toThrow(/applied or parked[\s\S]*earnings payee-/);
  events.unshift(...forgotten);
  await check(stage);
});

test("the checker finds an acknowledged event that is not counted", async () => {
  const { events } = stage.producer.acknowledged;
  const lost = stage.usage.take(50);
  events.push(...lost);
  await expect(check(stage)).rejects.toThrow(/applied or parked[\s\S]*earnings payee-/);
  await stage.producer.deliver(lost);
  await check(stage);
});

test("the checker finds events that are counted with another quantity", async () => {
  const { events } = stage.producer.acknowledged;
  const sent = [...events];
  // All of them: a single one may be of a model that charges nothing by output tokens.
  for (const [index, event] of sent.entries()) {
    const metrics = { ...event.data.metrics, output_token_count: 123_456_789 };
    events[index] = { ...event, data: { ...event.data, metrics } };
  }
  await expect(check(stage)).rejects.toThrow(/earnings payee-/);
  events.splice(0, sent.length, ...sent);
  await check(stage);
});

test("the checker finds that there are fewer dead letters than there should be", async () => {
  stage.expected.dead += 1n;
  await expect(check(stage)).rejects.toThrow("dead letters: 0, not 1");
  stage.expected.dead -= 1n;
});
