import type { Admin } from "kafkajs";
import { whileLeadersMove } from "./while-leaders-move.ts";

/**
 * Thirty days: longer than an outage of metering can stay unnoticed, and short enough that prompts, which are
 * personal data, do not lie in the broker for ever. Counted from the append, so backdated events live as long.
 */
const RETENTION_MS = 30 * 24 * 60 * 60 * 1000;

/** One HTTP batch (1 MiB) is one record; twice that leaves room for its envelope. */
const MESSAGE_BYTES_MAX = 2 * 1024 * 1024;
/** ConfigResourceTypes.TOPIC, which native ESM does not see among kafkajs' exports. */
const TOPIC_RESOURCE = 2;
const MESSAGE_BYTES_NEEDED = 1.25 * 1024 * 1024;

/**
 * Makes the topic if there is none, and otherwise makes sure that it can be trusted with money.
 * @returns how many partitions it has.
 * @throws Error naming the setting to change, when a topic of that name is set up otherwise.
 */
export async function ensureUsageTopic(admin: Admin, topic: string, partitions: number): Promise<number> {
  // With several processes starting at once one of them makes it; the others find it. False means found.
  const created = await admin.createTopics({
    topics: [{ topic, numPartitions: partitions, configEntries: topicConfig() }],
    waitForLeaders: false,
  });
  const { topics } = await whileLeadersMove(() => admin.fetchTopicMetadata({ topics: [topic] }));
  if (!created) await refuseUnsafe(admin, topic);
  return topics.reduce((sum, found) => sum + found.partitions.length, 0);
}

function topicConfig(): { name: string; value: string }[] {
  return [
    { name: "cleanup.policy", value: "delete" },
    // The producer's time would let retention delete a backdated event before it is read.
    { name: "message.timestamp.type", value: "LogAppendTime" },
    // The broker unpacks what producers compressed: kafkajs reads no zstd, lz4 or snappy, and sizes mean what they say.
    { name: "compression.type", value: "uncompressed" },
    { name: "retention.ms", value: String(RETENTION_MS) },
    { name: "max.message.bytes", value: String(MESSAGE_BYTES_MAX) },
  ];
}

async function refuseUnsafe(admin: Admin, topic: string): Promise<void> {
  const { resources } = await whileLeadersMove(() =>
    admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: TOPIC_RESOURCE, name: topic }],
    }),
  );
  const entries = resources.flatMap((resource) => resource.configEntries);
  const config = new Map(entries.map((entry) => [entry.configName, entry.configValue]));
  const wrong = [
    config.get("message.timestamp.type") !== "LogAppendTime" && "message.timestamp.type=LogAppendTime",
    config.get("cleanup.policy") !== "delete" && "cleanup.policy=delete",
    config.get("compression.type") !== "uncompressed" && "compression.type=uncompressed",
    Number(config.get("max.message.bytes")) < MESSAGE_BYTES_NEEDED &&
      `max.message.bytes=${MESSAGE_BYTES_MAX}`,
  ].filter((setting) => setting !== false);
  if (wrong.length > 0) {
    throw new Error(`the Kafka topic ${topic} cannot carry usage as it is: set ${wrong.join(", ")}`);
  }
}
