import { Kafka, logLevel, type Message, Partitioners } from "kafkajs";
import { present } from "../../../src/kernel/index.ts";

export const TOPIC = "usage.events";

/** A program of somebody else that writes straight into the topic, whatever it likes. */
export interface ForeignProducer {
  /** All of them, in one batch of the partition; answers the first one's offset. Null is a tombstone. */
  produce(partition: number, values: readonly (Buffer | null)[], compression?: number): Promise<bigint>;
  close(): Promise<void>;
}

export async function openForeignProducer(brokers: string): Promise<ForeignProducer> {
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  return {
    async produce(partition, values, compression = 0) {
      const messages = values.map((value): Message => ({ key: null, value, partition }));
      const [written] = await producer.send({ topic: TOPIC, messages, acks: -1, compression });
      return BigInt(present(written?.baseOffset, "the offset of what was written"));
    },
    close: () => producer.disconnect(),
  };
}
