import { type Admin, Kafka, logLevel } from "kafkajs";
import { whileLeadersMove } from "../../../src/adapters/kafka/while-leaders-move.ts";
import { until } from "../../support/until.ts";
import { TOPIC } from "../poison/foreign-producer.ts";

/** What somebody with the rights of an administrator can do to the topic. */
export interface KafkaAdmin {
  /** As retention does: the log of the partition begins at `offset` from now on. */
  deleteBefore(partition: number, offset: bigint): Promise<void>;
  deleteTopic(): Promise<void>;
  /** Of the topic, from now on. */
  setPartitions(count: number): Promise<void>;
  /** Of the topic: what the broker does with a batch that a producer compressed. */
  compressionType(): Promise<string>;
  close(): Promise<void>;
}

export async function openKafkaAdmin(brokers: string): Promise<KafkaAdmin> {
  const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  return {
    async deleteBefore(partition, offset) {
      // kafkajs looks for the leader before it knows the topic; after a restart a broker may not know it yet either.
      await whileLeadersMove(() => admin.fetchTopicOffsets(TOPIC));
      await admin.deleteTopicRecords({ topic: TOPIC, partitions: [{ partition, offset: `${offset}` }] });
    },
    async deleteTopic() {
      await admin.deleteTopics({ topics: [TOPIC] });
      await until(async () => !(await admin.listTopics()).includes(TOPIC));
    },
    async setPartitions(count) {
      await admin.createPartitions({ topicPartitions: [{ topic: TOPIC, count }] });
    },
    compressionType: () => compressionType(admin),
    close: () => admin.disconnect(),
  };
}

/** ConfigResourceTypes.TOPIC, which native ESM does not see among kafkajs' exports. */
const TOPIC_RESOURCE = 2;

async function compressionType(admin: Admin): Promise<string> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: TOPIC_RESOURCE, name: TOPIC, configNames: ["compression.type"] }],
  });
  return resources[0]?.configEntries[0]?.configValue ?? "";
}
