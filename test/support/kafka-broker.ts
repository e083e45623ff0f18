import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../scripts/kafka-broker/free-port.ts";
import { startKafkaBroker as startFromMaven } from "../../scripts/kafka-broker/kafka-broker.ts";
import { KAFKA_VERSION } from "../../scripts/kafka-broker/kafka-jars.ts";
import { runTool } from "../../scripts/kafka-broker/run-tool.ts";

export interface TestBroker {
  brokers: string;
  stop(): Promise<void>;
}

/**
 * A real broker for the tests: the one that KAFKA_BROKERS names, or one from Maven's jars in a temporary folder, or
 * one in Docker.
 * @throws Error of one line naming what to install.
 */
export async function startKafkaBroker(): Promise<TestBroker> {
  const brokers = process.env.KAFKA_BROKERS;
  if (brokers) return { brokers, stop: async () => {} };
  try {
    return await startInTemporaryFolder();
  } catch (error) {
    if (!(await hasDocker())) {
      throw new Error(`${(error as Error).message}; or start Docker, or set KAFKA_BROKERS`, { cause: error });
    }
    return startInDocker();
  }
}

async function startInTemporaryFolder(): Promise<TestBroker> {
  const dataDir = await mkdtemp(join(tmpdir(), "tributary-kafka-"));
  const { brokers, stop } = await startFromMaven({ dataDir });
  return {
    brokers,
    async stop() {
      await stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function hasDocker(): Promise<boolean> {
  return runTool("docker", ["info"], "no docker").then(
    () => true,
    () => false,
  );
}

/** In the foreground, so that the container goes when the tests end. */
async function startInDocker(): Promise<TestBroker> {
  const port = await freePort();
  const name = `tributary-kafka-${port}`;
  const settings = {
    KAFKA_PROCESS_ROLES: "broker,controller",
    KAFKA_NODE_ID: "1",
    KAFKA_CONTROLLER_QUORUM_VOTERS: "1@localhost:29093",
    KAFKA_LISTENERS: `PLAINTEXT://:${port},CONTROLLER://:29093`,
    KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
    KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    KAFKA_AUTO_CREATE_TOPICS_ENABLE: "false",
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "1",
    KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: "1",
    KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: "1",
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: "0",
  };
  const environment = Object.entries(settings).flatMap(([key, value]) => ["-e", `${key}=${value}`]);
  const publish = ["-p", `127.0.0.1:${port}:${port}`];
  const image = `apache/kafka:${KAFKA_VERSION}`;
  const container = spawn("docker", ["run", "--rm", "--name", name, ...publish, ...environment, image]);
  await new Promise<void>((resolve, reject) => {
    container.once("exit", (code) => reject(new Error(`Kafka in Docker ended with ${code}`)));
    container.stdout.on("data", (text: Buffer) => {
      if (text.includes("Kafka Server started")) resolve();
    });
    container.stderr.resume();
  });
  return {
    brokers: `127.0.0.1:${port}`,
    stop: async () => void (await runTool("docker", ["stop", name], "no docker")),
  };
}

declare module "vitest" {
  interface ProvidedContext {
    /** host:port, comma-separated. */
    kafkaBrokers: string;
  }
}
