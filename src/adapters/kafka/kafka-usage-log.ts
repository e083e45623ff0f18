import type { Admin } from "kafkajs";
import { type LogExtent, type LogReading, LogUnavailable, type UsageLog } from "../../usage/index.ts";
import { recordAppender } from "./append-records.ts";
import { kafkaClient, type Log } from "./kafka-client.ts";
import { openMetadataConnection } from "./metadata-connection.ts";
import { readTopic } from "./read-topic.ts";
import { Renewable } from "./renewable.ts";
import { ensureUsageTopic } from "./usage-topic.ts";
import { whileLeadersMove } from "./while-leaders-move.ts";

export interface KafkaUsageLogSettings {
  /** host:port of brokers that speak plaintext. TLS and SASL are not supported yet. */
  brokers: string[];
  log: Log;
  topic?: string;
  /** Readers of one group share the partitions. */
  groupId?: string;
  /** Of the topic when it has to be made; an existing topic keeps its own number. */
  partitions?: number;
}

/**
 * The usage log as a Kafka topic.
 * @throws LogUnavailable when no broker can be reached; Error when the topic is not set up for usage.
 */
export async function openKafkaUsageLog(settings: KafkaUsageLogSettings): Promise<UsageLog> {
  const { brokers, log, topic = "usage.events", groupId = "tributary-metering", partitions = 4 } = settings;
  const kafka = kafkaClient(brokers, log);
  const admin = new Renewable(
    async () => {
      const opened = kafka.admin();
      await opened.connect();
      return opened;
    },
    (old) => old.disconnect(),
  );
  const metadata = new Renewable(
    () => openMetadataConnection(brokers),
    async (old) => old.close(),
  );
  const logId = async (): Promise<string> => {
    const id = await metadata.use((connection) => connection.topicId(topic));
    if (id === null) throw new Error(`Kafka has no topic ${topic}`);
    return `${topic}/${id}`;
  };
  const bounds = async (): Promise<LogExtent["partitions"]> => {
    const ask = () => whileLeadersMove(() => admin.use((open) => partitionBounds(open, topic)));
    return ask().catch((error: unknown) => {
      if (error instanceof OtherPartitions) return ask();
      throw error;
    });
  };
  const close = async (): Promise<void> => {
    await Promise.all([admin.close(), metadata.close()]);
  };

  const partitionsFound = await admin
    .use((open) => ensureUsageTopic(open, topic, partitions))
    .catch(async (cause: unknown) => {
      await close();
      throw isKafkaError(cause) ? new LogUnavailable(`no Kafka at ${brokers.join(", ")}`, { cause }) : cause;
    });
  const appender = recordAppender(kafka, topic, partitionsFound);
  const readings = new Set<LogReading>();

  return {
    append: appender.append,
    extent: () => extent(logId, bounds),
    async read(reader) {
      const reading = await readTopic({ kafka, topic, groupId, log, logId, bounds: oneOf(bounds) }, reader);
      readings.add(reading);
      return reading;
    },
    async close() {
      await Promise.all([...readings].map((reading) => reading.stop()));
      await appender.close();
      await close();
    },
  };
}

async function extent(
  logId: () => Promise<string>,
  bounds: () => Promise<LogExtent["partitions"]>,
): Promise<LogExtent> {
  try {
    return { logId: await logId(), partitions: await bounds() };
  } catch (cause) {
    throw new LogUnavailable("Kafka did not tell where the usage log ends", { cause });
  }
}

/** A client of kafkajs goes on for minutes with the partitions that it once saw; a new one sees those there are. */
class OtherPartitions extends Error {
  override name = "OtherPartitions";
}

/** @throws OtherPartitions: then a new client must ask */
async function partitionBounds(admin: Admin, topic: string): Promise<LogExtent["partitions"]> {
  const offsets = await admin.fetchTopicOffsets(topic);
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const found = topics.reduce((sum, { partitions }) => sum + partitions.length, 0);
  if (found !== offsets.length) throw new OtherPartitions(`the topic has ${found} partitions`);
  return offsets
    .map(({ partition, low, high }) => ({ partition, start: BigInt(low), end: BigInt(high) }))
    .sort((a, b) => a.partition - b.partition);
}

function oneOf(bounds: () => Promise<LogExtent["partitions"]>) {
  return async (partition: number): Promise<{ start: bigint; end: bigint }> => {
    const found = (await bounds()).find((each) => each.partition === partition);
    if (found === undefined) throw new Error(`the topic has no partition ${partition}`);
    return found;
  };
}

function isKafkaError(error: unknown): boolean {
  return error instanceof Error && error.name.startsWith("KafkaJS");
}
