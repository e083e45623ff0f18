import { present } from "../../src/kernel/index.ts";
import { until } from "../support/until.ts";
import { describeFaults, type Fault } from "./harness/describe-faults.ts";

const WORKER_SESSIONS = "application_name LIKE 'tributary-worker%'";

const apiKilled: Fault = {
  name: "kill -9 of the API during a batch",
  async strike({ api, usage, producer }) {
    const kills = 3;
    for (let kill = 0; kill < kills; kill += 1) {
      const ready = api.ready;
      const batch = producer.deliver(usage.take(400));
      // Somewhere in the batch: its reading, its append, or its answer.
      await until(() => usage.random() < 0.4);
      api.crash();
      await Promise.all([batch, api.untilReady(ready)]);
    }
    return `${kills} times, each while a batch of 400 was on its way`;
  },
};

const postgresKilled: Fault = {
  name: "kill -9 of PostgreSQL",
  async strike({ database }) {
    await database.kill();
    await database.start();
    return "SIGKILL of the postmaster; started again, it recovered";
  },
};

const backendKilled: Fault = {
  name: "kill -9 of one backend of PostgreSQL",
  async strike({ database, workerNetwork }) {
    const [backend] = await database.sql<{ pid: number }[]>`
      SELECT pid FROM pg_stat_activity WHERE ${database.sql.unsafe(WORKER_SESSIONS)} LIMIT 1`;
    const { pid } = present(backend, "a session of a worker");
    await workerNetwork.atApply("asked", 1, () => {
      process.kill(pid, "SIGKILL");
      return "forward";
    });
    await until(() =>
      database.sql`SELECT 1`.then(
        () => true,
        () => false,
      ),
    );
    return "SIGKILL of a worker's backend during an apply: the server ended all sessions and recovered";
  },
};

const sessionsTerminated: Fault = {
  name: "every session of the workers terminated",
  async strike({ database }) {
    const ended = await database.sql`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${database.sql.unsafe(WORKER_SESSIONS)}`;
    return `pg_terminate_backend of ${ended.length} sessions`;
  },
};

const brokerKilled: Fault = {
  name: "kill -9 of the broker",
  async strike(stage) {
    const broker = present(stage.broker, "a broker");
    await broker.kill();
    await broker.start();
    return "SIGKILL; started again on the same folder";
  },
};

const brokerFrozen: Fault = {
  name: "SIGSTOP of the broker until producers give up waiting",
  async strike(stage) {
    const broker = present(stage.broker, "a broker");
    const { acknowledged } = stage.producer;
    const before = acknowledged.retries;
    broker.freeze();
    await until(() => acknowledged.retries > before).finally(() => broker.thaw());
    return "its connections stayed open and nobody answered; then it woke";
  },
};

describeFaults("Servers killed, with Kafka", { log: "kafka", partitions: 4, workers: 1 }, [
  apiKilled,
  postgresKilled,
  backendKilled,
  sessionsTerminated,
  brokerKilled,
  brokerFrozen,
]);
