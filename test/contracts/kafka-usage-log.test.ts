import { randomUUID } from "node:crypto";
import { type Admin, Kafka, logLevel, Partitioners } from "kafkajs";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openKafkaUsageLog } from "../../src/adapters/kafka/kafka-usage-log.ts";
import { whileLeadersMove } from "../../src/adapters/kafka/while-leaders-move.ts";
import { PARTITIONS } from "./log-values.ts";
import { PositionOfRecord } from "./position-of-record.ts";
import { type LogUnderTest, usageLogContract } from "./usage-log.contract.ts";

const brokers = inject("kafkaBrokers").split(",");
const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
const admin = kafka.admin();
const log = pino({ level: "silent" });
const SOON = { timeout: 60_000 };

beforeAll(() => admin.connect());
afterAll(() => admin.disconnect());

usageLogContract("Kafka", async (): Promise<LogUnderTest> => {
  const topic = `usage.events.${randomUUID()}`;
  return {
    open: () => openKafkaUsageLog({ brokers, log, topic, groupId: topic, partitions: PARTITIONS }),
    openDead: () => openKafkaUsageLog({ brokers: ["127.0.0.1:1"], log, topic }),
    beginAppend: (value) => transactionalAppend(topic, value),
    async deleteBefore(partition, offset) {
      // kafkajs looks for the leader before it knows the topic; of one just made, a broker may not know it yet either.
      await whileLeadersMove(() => admin.fetchTopicOffsets(topic));
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: offset.toString() }] });
    },
    async recreate() {
      await admin.deleteTopics({ topics: [topic] });
      await expect.poll(() => exists(admin, topic)).toBe(false);
    },
    end: async () => void (await admin.deleteTopics({ topics: [topic] })),
  };
});

async function exists(client: Admin, topic: string): Promise<boolean> {
  return (await client.listTopics()).includes(topic);
}

async function transactionalAppend(topic: string, value: string) {
  const producer = kafka.producer({
    transactionalId: randomUUID(),
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: [{ partition: 0, value }] });
  return {
    async commit() {
      await transaction.commit();
      await producer.disconnect();
    },
    async abort() {
      await transaction.abort();
      await producer.disconnect();
    },
  };
}

describe("the usage topic", () => {
  test("a topic that is made again while it is read raises the alarm, and nothing of it is applied", async () => {
    const topic = `usage.events.${randomUUID()}`;
    const open = () => openKafkaUsageLog({ brokers, log, topic, groupId: topic, partitions: PARTITIONS });
    const values = (word: string) =>
      Array.from({ length: 100 }, (_, index) => ({
        key: `${index}`,
        value: Buffer.from(`${word} ${index}`),
      }));
    const before = await open();
    await before.append(values("before"));
    const position = new PositionOfRecord();
    await before.read(position.reader());
    await expect.poll(() => position.values().length, SOON).toBe(100);

    await admin.deleteTopics({ topics: [topic] });
    await expect.poll(() => exists(admin, topic)).toBe(false);
    const again = await open();
    for (const word of ["once", "twice"]) await again.append(values(word));
    await expect.poll(() => position.alarms.length, SOON).toBeGreaterThanOrEqual(PARTITIONS);
    expect(position.alarms[0]?.reason).toContain("the cursor belongs to");
    expect(position.values().length).toBe(100);
    await before.close();
    await again.close();
    await admin.deleteTopics({ topics: [topic] });
  });

  test("a topic that keeps the producer's time is refused, naming the setting", async () => {
    const topic = `usage.events.${randomUUID()}`;
    // kafkajs gives up at once when the broker does not know the new topic yet; the product asks again.
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: false });
    await expect(openKafkaUsageLog({ brokers, log, topic })).rejects.toThrow(
      /set message.timestamp.type=LogAppendTime, compression.type=uncompressed, max.message.bytes=2097152$/,
    );
    await admin.deleteTopics({ topics: [topic] });
  });

  test("a topic that exists keeps its own number of partitions", async () => {
    const topic = `usage.events.${randomUUID()}`;
    const first = await openKafkaUsageLog({ brokers, log, topic, partitions: 2 });
    const second = await openKafkaUsageLog({ brokers, log, topic, partitions: 8 });
    expect((await second.extent()).partitions).toHaveLength(2);
    await first.close();
    await second.close();
    await admin.deleteTopics({ topics: [topic] });
  });
});
