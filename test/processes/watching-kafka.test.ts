import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type KafkaBroker, startKafkaBroker } from "../../scripts/kafka-broker/kafka-broker.ts";
import { createTestDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";
import { type RoleProcess, startRole } from "./role-process.ts";

const releases: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

/** A broker of its own: this one is stopped and started. */
async function ownBroker() {
  const dataDir = await mkdtemp(join(tmpdir(), "tributary-kafka-"));
  releases.push(() => rm(dataDir, { recursive: true, force: true }));
  let broker: KafkaBroker = await startKafkaBroker({ dataDir });
  releases.push(() => broker.stop());
  const { brokers } = broker;
  return {
    brokers,
    stop: () => broker.stop(),
    async start() {
      broker = await startKafkaBroker({ dataDir, port: Number(brokers.split(":")[1]) });
    },
  };
}

async function sendBatches(api: RoleProcess, name: string, batches: number): Promise<void> {
  for (let batch = 0; batch < batches; batch += 1) {
    const events = Array.from({ length: 20 }, (_, index) => usageEvent({ id: `${name}-${batch}-${index}` }));
    await api.call("POST", "/events", events, "application/cloudevents-batch+json");
  }
}

async function metered(api: RoleProcess): Promise<{ lag: number; applied: string }> {
  return (await api.call("GET", "/metering/status")) as { lag: number; applied: string };
}

// Three processes and two starts of a broker take their time on a busy machine.
const WITHIN_MS = 300_000;

test(
  "an API and two workers share one topic; without its broker they are unhealthy, and with it they go on",
  async () => {
    const [broker, database] = await Promise.all([ownBroker(), createTestDatabase()]);
    releases.push(database.drop);
    const environment = { DATABASE_URL: database.url, KAFKA_BROKERS: broker.brokers };
    const processes = await Promise.all([
      startRole("api", environment),
      startRole("worker", environment),
      startRole("worker", environment),
    ]);
    releases.push(async () => void (await Promise.all(processes.map((process) => process.stop()))));
    const [api] = processes;
    await api.call("POST", "/catalog/import", SMALL_CATALOG);
    await sendBatches(api, "before", 20);
    await until(async () => (await metered(api)).applied === "400");
    for (const process of processes) expect(await process.health()).toMatchObject({ status: 200 });

    await broker.stop();
    for (const process of processes) {
      await until(async () => (await process.health()).status === 503);
      expect((await process.health()).body.reasons.join("; ")).toMatch(/^the usage log cannot be reached: /);
      const metrics = await process.metrics();
      expect(metrics.get("tributary_usage_log_up")).toBe(0);
      expect(metrics.get("tributary_database_up")).toBe(1);
      const applied = [...metrics].filter(([sample]) =>
        /^tributary_metering_events_total{.*"applied"/.test(sample),
      );
      expect(
        applied.reduce((sum, [, value]) => sum + value, 0),
        "what the database knows is still shown",
      ).toBe(400);
    }

    await broker.start();
    for (const process of processes) await until(async () => (await process.health()).status === 200);
    await sendBatches(api, "after", 20);
    await until(async () => {
      const { lag, applied } = await metered(api);
      return lag === 0 && applied === "800";
    });
  },
  WITHIN_MS,
);
