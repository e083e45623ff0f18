import { type Admin, Kafka, logLevel } from "kafkajs";
import { until } from "../../support/until.ts";
import { TOPIC } from "../poison/foreign-producer.ts";

/** What somebody with the rights of an administrator can do to the topic. */
export interface KafkaAdmin {
  /** As retention does: the log of the partition begins at `offset` from now on. */
  deleteBefore(partition: number, offset: bigint): Promise<void>;
  deleteTopic(): Promise<void>;
  endOf(partition: number): Promise<bigint>;
  close(): Promise<void>;
}

export async function openKafkaAdmin(brokers: string): Promise<KafkaAdmin> {
  const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  return {
    async deleteBefore(partition, offset) {
      await admin.fetchTopicOffsets(TOPIC); // kafkajs looks for the leader before it knows the topic
      await admin.deleteTopicRecords({ topic: TOPIC, partitions: [{ partition, offset: `${offset}` }] });
    },
    async deleteTopic() {
      await admin.deleteTopics({ topics: [TOPIC] });
      await until(async () => !(await admin.listTopics()).includes(TOPIC));
    },
    endOf: (partition) => endOf(admin, partition),
    close: () => admin.disconnect(),
  };
}

async function endOf(admin: Admin, partition: number): Promise<bigint> {
  const offsets = await admin.fetchTopicOffsets(TOPIC);
  return BigInt(offsets.find((each) => each.partition === partition)?.high ?? "-1");
}
