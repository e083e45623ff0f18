import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import { kafkaJars } from "./kafka-jars.ts";
import { runTool } from "./run-tool.ts";
import { serverProperties } from "./server-properties.ts";

const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 10_000;
const JAVA_MISSING = "the Kafka broker needs Java 17 or newer: install openjdk-17-jre-headless";

export interface KafkaBroker {
  /** host:port, as KAFKA_BROKERS takes it. */
  brokers: string;
  pid: number;
  /** SIGTERM; SIGKILL after ten seconds. */
  stop(): Promise<void>;
}

/**
 * Starts a real Kafka broker, one KRaft node on 127.0.0.1, with its log in `dataDir`; a folder that was used before
 * goes on with its topics. It ends with the process that started it, even when that is killed.
 * @throws Error of one line that names what to install, or where the broker's own words are.
 */
export async function startKafkaBroker(settings: { dataDir: string; port?: number }): Promise<KafkaBroker> {
  const { dataDir, port = await freePort() } = settings;
  await requireJava();
  const jars = await kafkaJars();
  await mkdir(dataDir, { recursive: true });
  const properties = join(dataDir, "server.properties");
  const controllerPort = await freePort();
  await writeFile(properties, serverProperties({ dataDir, port, controllerPort }));
  if (!existsSync(join(dataDir, "log", "meta.properties"))) await format(jars, properties);

  const logFile = join(dataDir, "broker.log");
  const broker = await spawnBroker(jars, properties, logFile);
  await started(broker, logFile);
  return { brokers: `127.0.0.1:${port}`, pid: broker.pid ?? 0, stop: () => stop(broker) };
}

async function requireJava(): Promise<void> {
  const version = await runTool("java", ["-version"], JAVA_MISSING);
  const major = Number(/version "(\d+)/.exec(version)?.[1]);
  if (!(major >= 17)) throw new Error(JAVA_MISSING);
}

async function format(jars: string, properties: string): Promise<void> {
  const clusterId = Buffer.from(randomUUID().replaceAll("-", ""), "hex").toString("base64url");
  const tool = ["-cp", join(jars, "*"), "kafka.tools.StorageTool", "format"];
  // With "=", since one id in 64 begins with a dash and would be read as an option.
  await runTool("java", [...tool, `--cluster-id=${clusterId}`, "--config", properties], JAVA_MISSING);
}

/**
 * The shell becomes the broker; what stays beside it waits for the end of our pipe, which comes with our own end
 * however that happens, and then ends the broker.
 */
const END_WITH_PARENT = 'exec 3<&0; { cat <&3 >/dev/null 2>&1; kill $$ 2>/dev/null; } & exec java "$@" 3<&-';

async function spawnBroker(jars: string, properties: string, logFile: string): Promise<ChildProcess> {
  const log = await open(logFile, "w");
  const logging = `-Dlog4j2.configurationFile=${join(import.meta.dirname, "log4j2.properties")}`;
  const java = ["-Xms128m", "-Xmx512m", logging, "-cp", join(jars, "*"), "kafka.Kafka", properties];
  const broker = spawn("sh", ["-c", END_WITH_PARENT, "kafka", ...java], { stdio: ["pipe", log.fd, log.fd] });
  await log.close();
  return broker;
}

async function started(broker: ChildProcess, logFile: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await readFile(logFile, "utf8")).includes("Kafka Server started")) {
    if (hasEnded(broker) || Date.now() > deadline) {
      await stop(broker);
      throw new Error(`the Kafka broker did not start: see ${logFile}`);
    }
    await sleep(100);
  }
}

async function stop(broker: ChildProcess): Promise<void> {
  if (hasEnded(broker)) return;
  const ended = new Promise<void>((resolve) => broker.once("exit", () => resolve()));
  const timer = setTimeout(() => broker.kill("SIGKILL"), STOP_TIMEOUT_MS);
  broker.kill("SIGTERM");
  await ended;
  clearTimeout(timer);
}

function hasEnded(broker: ChildProcess): boolean {
  return broker.exitCode !== null || broker.signalCode !== null;
}
