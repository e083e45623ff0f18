import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { openEmbeddedPostgres } from "../../src/postgres/index.ts";
import { startKafkaBroker } from "./kafka-broker.ts";

declare module "vitest" {
  interface ProvidedContext {
    postgresUrl: string;
  }
}

/** One real PostgreSQL and one real Kafka broker for the whole run; both end with it, also when one of them fails. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = [startPostgres(), startKafkaBroker()] as const;
  const stop = async () => {
    const settled = await Promise.allSettled(servers);
    await Promise.all(
      settled.map((server) => (server.status === "fulfilled" ? server.value.stop() : undefined)),
    );
  };
  try {
    const [postgres, kafka] = await Promise.all(servers);
    project.provide("postgresUrl", postgres.url);
    project.provide("kafkaBrokers", kafka.brokers);
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

/** The one that TEST_DATABASE_URL names, or one in a temporary folder. */
async function startPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  const url = process.env.TEST_DATABASE_URL;
  if (url) return { url, stop: async () => {} };
  const dataDir = await mkdtemp(join(tmpdir(), "tributary-test-"));
  const postgres = await openEmbeddedPostgres({ dataDir });
  const stop = async () => {
    await postgres.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { url: postgres.url, stop };
}
