import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KafkaBroker, startKafkaBroker } from "../../../scripts/kafka-broker/kafka-broker.ts";
import { until } from "../../support/until.ts";

/** One Kafka broker of its own, always on the same port. */
export interface Broker {
  /** host:port */
  brokers: string;
  /** kill -9; it stays down until `start`. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** SIGSTOP: its connections stay open, and nobody answers. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

export async function startBroker(): Promise<Broker> {
  const dataDir = await mkdtemp(join(tmpdir(), "tributary-faults-kafka-"));
  let broker: KafkaBroker;
  try {
    broker = await startKafkaBroker({ dataDir });
  } catch (error) {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  }
  const { brokers } = broker;
  const port = Number(brokers.split(":")[1]);
  return {
    brokers,
    async kill() {
      process.kill(broker.pid, "SIGKILL");
      await until(() => !isAlive(broker.pid));
    },
    async start() {
      broker = await startKafkaBroker({ dataDir, port });
    },
    freeze: () => void process.kill(broker.pid, "SIGSTOP"),
    thaw: () => void process.kill(broker.pid, "SIGCONT"),
    async stop() {
      if (isAlive(broker.pid)) process.kill(broker.pid, "SIGKILL");
      await broker.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
