import { join } from "node:path";
import { freePort } from "../../../scripts/kafka-broker/free-port.ts";
import { openKafkaUsageLog } from "../../../src/adapters/kafka/kafka-usage-log.ts";
import { openPostgresUsageLog } from "../../../src/adapters/postgres-log/postgres-usage-log.ts";
import { createLogger } from "../../../src/processes/logger.ts";
import type { UsageLog } from "../../../src/usage/index.ts";
import type { Network } from "../network/network.ts";
import { call, OPERATOR_KEY, request } from "./api-client.ts";
import type { Broker } from "./broker.ts";
import type { Database } from "./database.ts";
import { Opened } from "./opened.ts";
import { Producer } from "./producer.ts";
import { Role } from "./role.ts";
import { type Servers, startServers } from "./servers.ts";
import { generateUsage, type Usage } from "./usage.ts";

export interface StageSettings {
  seed: number;
  log: "kafka" | "postgres";
  /** 4 */
  partitions?: number;
  /** 1 */
  workers?: number;
  /** PostgreSQL on a disk of its own of this size. */
  diskMiB?: number;
  /** For all processes of the product. */
  environment?: NodeJS.ProcessEnv;
}

/** Everything of a Tributary in production, as real processes of this machine, with a network that can break. */
export interface Stage {
  settings: StageSettings;
  usage: Usage;
  producer: Producer;
  /** What the checker has to find besides the events that the producer had acknowledged; a fault adds to it. */
  expected: { conflict: bigint; dead: bigint; waiting: bigint };
  database: Database;
  /** Null when the log is in PostgreSQL. */
  broker: Broker | null;
  /** Between the workers and PostgreSQL. */
  workerNetwork: Network;
  /** Between the API and PostgreSQL. */
  apiNetwork: Network;
  api: Role;
  workers: Role[];
  /** One worker more; it is in `workers`, too. It shares the workers' network unless it gets one of its own. */
  addWorker(network?: Network): Promise<Role>;
  /** As `addWorker`, without waiting for it. */
  launchWorker(network?: Network): Promise<Role>;
  /** SIGTERM; it is not in `workers` any more. */
  removeWorker(worker: Role): Promise<void>;
  /** To PostgreSQL. */
  openNetwork(): Promise<Network>;
  /** Of /v1; once, without a retry. @throws Error with status and body when it is refused */
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** The usage log itself, past the API; the caller closes it. */
  openLog(): Promise<UsageLog>;
  stop(): Promise<void>;
}

export async function startStage(settings: StageSettings): Promise<Stage> {
  const opened = new Opened();
  try {
    const usage = await generateUsage(settings.seed);
    const servers = await startServers(settings, opened);
    const stage = await raise(settings, usage, servers, opened);
    await stage.call("POST", "/catalog/import", usage.catalog);
    await Promise.all(Array.from({ length: settings.workers ?? 1 }, () => stage.addWorker()));
    return stage;
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** Everything but the workers and the catalogue. */
async function raise(
  settings: StageSettings,
  usage: Usage,
  servers: Servers,
  opened: Opened,
): Promise<Stage> {
  const { database, broker, openNetwork } = servers;
  const { partitions = 4 } = settings;
  const [workerNetwork, apiNetwork] = [await openNetwork(), await openNetwork()];
  const newRole = roleMaker(settings, servers, opened);
  const api = newRole("api", "api", apiNetwork, await freePort());
  await api.start();
  let workersMade = 0;
  const stage: Stage = {
    settings,
    usage,
    expected: { conflict: 0n, dead: 0n, waiting: 0n },
    database,
    broker,
    workerNetwork,
    apiNetwork,
    api,
    workers: [],
    producer: new Producer((body, signal) => {
      const contentType = "application/cloudevents-batch+json";
      return request(api.url, { method: "POST", path: "/events", body, contentType, signal });
    }),
    openNetwork,
    async addWorker(network) {
      const worker = await stage.launchWorker(network);
      await worker.untilReady(0);
      return worker;
    },
    async launchWorker(network = workerNetwork) {
      workersMade += 1;
      const worker = newRole(`worker-${workersMade}`, "worker", network, 0);
      stage.workers.push(worker);
      await worker.launch();
      return worker;
    },
    async removeWorker(worker) {
      stage.workers = stage.workers.filter((other) => other !== worker);
      await worker.stop();
    },
    call: (method, path, body) => call(api.url, method, path, body),
    async openLog() {
      const logger = createLogger("silent");
      if (broker === null) return openPostgresUsageLog({ sql: database.sql, partitions, log: logger });
      return openKafkaUsageLog({ brokers: [broker.brokers], partitions, log: logger });
    },
    stop: () => opened.close(),
  };
  return stage;
}

function roleMaker(
  { partitions = 4, environment }: StageSettings,
  { folder, database, broker }: Servers,
  opened: Opened,
) {
  return (name: string, only: "api" | "worker", network: Network, port: number): Role => {
    const url = new URL(database.url);
    url.port = String(network.port);
    const role = new Role({
      name,
      entry: ["scripts/start.ts", "--only", only],
      logFile: join(folder, `${name}.log`),
      environment: {
        DATA_DIR: folder,
        DATABASE_URL: url.href,
        KAFKA_BROKERS: broker?.brokers ?? "",
        USAGE_PARTITIONS: String(partitions),
        PORT: String(port),
        OPERATOR_KEY,
        // Nobody is paid here: without it an API would start a simulator.
        STRIPE_API_BASE: "http://127.0.0.1:1",
        ACCRUAL_INTERVAL_MS: "300",
        LOG_LEVEL: "warn",
        ...environment,
      },
    });
    opened.later(() => role.kill());
    return role;
  };
}
