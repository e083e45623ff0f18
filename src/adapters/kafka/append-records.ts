import { CompressionTypes, type Kafka, type Message, Partitioners, type Producer } from "kafkajs";
import { withinDeadline } from "../../kernel/index.ts";
import { GroupCommit, type LogAppend, LogUnavailable, partitionOfKey } from "../../usage/index.ts";
import { Renewable } from "./renewable.ts";

const APPEND_TIMEOUT_MS = 10_000;
/** kafkajs makes one record batch per partition and send; with this it stays below any topic's max.message.bytes. */
const SEND_BYTES_MAX = 768 * 1024;
const RECORD_OVERHEAD_BYTES = 100;

export interface RecordAppender {
  append(values: readonly LogAppend[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Appends through an idempotent producer, and takes care that idempotence never loses a record: kafkajs gives the
 * sequence numbers of a failed send to the next one, and the broker drops a batch whose numbers it has seen, with
 * success. So there is one send at a time, its records keep their partitions when it is repeated, and a producer
 * that failed is never used again.
 */
export function recordAppender(kafka: Kafka, topic: string, partitions: number): RecordAppender {
  const producer = new Renewable(
    () => connectedProducer(kafka),
    (old) => old.disconnect(),
  );
  const commits = new GroupCommit<Message>({
    bytesOf: ({ key, value }) => (key?.length ?? 0) + (value?.length ?? 0) + RECORD_OVERHEAD_BYTES,
    sendBytesMax: SEND_BYTES_MAX,
    send: async (messages) => {
      try {
        await producer.use((open) => withinDeadline("Kafka", APPEND_TIMEOUT_MS, send(open, topic, messages)));
      } catch (cause) {
        throw new LogUnavailable(`Kafka did not take ${messages.length} usage records`, { cause });
      }
    },
  });
  return {
    append: (values) =>
      commits.append(
        values.map(({ key, value }) => ({ key, value, partition: partitionOfKey(key, partitions) })),
      ),
    async close() {
      await commits.settled();
      await producer.close();
    },
  };
}

async function connectedProducer(kafka: Kafka): Promise<Producer> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 },
  });
  await withinDeadline("Kafka", APPEND_TIMEOUT_MS, producer.connect());
  return producer;
}

async function send(producer: Producer, topic: string, messages: Message[]): Promise<void> {
  await producer.send({ topic, messages, acks: -1, timeout: 5_000, compression: CompressionTypes.None });
}
