import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { present } from "../../src/kernel/index.ts";
import { until } from "../support/until.ts";
import { check, meteringCounters } from "./harness/check.ts";
import { FAULTS_SEED } from "./harness/settings.ts";
import { type Stage, startStage } from "./harness/stage.ts";
import { openKafkaAdmin } from "./log/kafka-admin.ts";
import { GZIP, teachZstd, ZSTD } from "./poison/compression.ts";
import { type ForeignProducer, openForeignProducer } from "./poison/foreign-producer.ts";
import { freshEvents } from "./producing/batches.ts";

const UNTIL_THEN = "the topic needs compression.type=uncompressed: without it such a batch stops the worker";
let stage: Stage;
let foreign: ForeignProducer;
/** kafkajs reads no compression but gzip, so the broker has to take it off. */
let brokerDecompresses: boolean;

beforeAll(async () => {
  teachZstd();
  stage = await startStage({ seed: FAULTS_SEED, log: "kafka", partitions: 2, workers: 1 });
  const { brokers } = present(stage.broker, "a broker");
  foreign = await openForeignProducer(brokers);
  const admin = await openKafkaAdmin(brokers);
  brokerDecompresses = (await admin.compressionType()) === "uncompressed";
  await admin.close();
});

afterAll(async () => {
  await foreign?.close();
  await stage?.stop();
});

describe(`batches that another client compressed (FAULTS_SEED=${FAULTS_SEED})`, () => {
  test("gzip is read as if it were not there", () => compressed("gzip", GZIP));

  test("zstd, and so lz4 and snappy, is read as if it were not there", async ({ skip }) => {
    skip(!brokerDecompresses, UNTIL_THEN);
    await compressed("zstd", ZSTD);
  });

  test("what is small only because it is compressed is refused by the log, and nothing stops", async ({
    skip,
  }) => {
    skip(!brokerDecompresses, UNTIL_THEN);
    const bomb = Buffer.alloc(64 * 1024 * 1024, "0");
    await expect(foreign.produce(0, [bomb], GZIP)).rejects.toThrow();
    await compressed("after-the-bomb", GZIP);
  });
});

async function compressed(name: string, codec: number): Promise<void> {
  const events = freshEvents(stage, name, 20);
  const values = events.map((event) => Buffer.from(JSON.stringify(event)));
  await foreign.produce(0, values, codec);
  await foreign.produce(1, values, codec);
  stage.producer.acknowledged.events.push(...events);
  await until(async () => (await meteringCounters(stage)).lag === 0);
  await check(stage);
}
