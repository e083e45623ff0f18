import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import cliProgress from "cli-progress";
import { runChecks } from "../src/audit/index.ts";
import { PortTaken, startApi } from "../src/processes/api.ts";
import { readConfig } from "../src/processes/config.ts";
import { createLogger } from "../src/processes/logger.ts";
import { untilSignal } from "../src/processes/until-signal.ts";
import { type Tributary, wire } from "../src/processes/wire.ts";
import { startWorkers } from "../src/processes/workers.ts";
import { demoCatalog } from "./demo/catalog.ts";
import { type Api, apiClient, untilMetered } from "./demo/client.ts";
import { printCreators, printProof } from "./demo/report.ts";
import { traceEvents } from "./demo/trace.ts";
import { startKafkaBroker } from "./kafka-broker/kafka-broker.ts";

const PERIOD = "2023-11";
const BATCH = 250;

interface Run {
  tributary: Tributary;
  api: Api;
  url: string;
  key: string;
}

/** The main job, once through: usage of a real service in, creators paid, both sides proved equal. */
async function demo({ tributary, api, url, key }: Run): Promise<boolean> {
  const catalog = await demoCatalog();
  await api.post("/catalog/import", catalog);
  console.log(
    `Catalogue: ${catalog.models?.length} models of ${catalog.payees?.length} creators, ${catalog.customers?.length} customers`,
  );
  await replay(api);
  await api.post(`/settlements/${PERIOD}/close`);
  const { hash } = await api.post<{ hash: string }>(`/settlements/${PERIOD}/plan`);
  await api.post(`/settlements/${PERIOD}/approve`, { hash });
  await api.post(`/settlements/${PERIOD}/pay`);
  console.log(`\nNovember 2023: closed, planned (${hash.slice(0, 12)}…), approved and paid. In USD:\n`);
  const paid = await printCreators(
    api,
    (catalog.payees ?? []).map(({ id }) => id),
    PERIOD,
  );
  console.log();
  const proved = await printProof(tributary.sql, paid, await transferred(tributary.simulator));
  const checks = await runChecks(tributary.sql);
  for (const { law, differences } of checks)
    for (const difference of differences) console.log(`  ${law}: ${difference}`);
  const broken = checks.filter(({ differences }) => differences.length > 0).length;
  console.log(`${checks.length - broken} of ${checks.length} laws of the books hold.\n`);
  console.log(
    `Dashboard  ${url}/dashboard (sign in with the key)\nAPI        ${url}/openapi.json\nKey        ${key}\nTry        curl -H "Authorization: Bearer ${key}" "${url}/v1/payees/ada/earnings?group_by=model"`,
  );
  return proved && broken === 0;
}

async function replay(api: Api): Promise<void> {
  const events = await traceEvents();
  const bar = new cliProgress.SingleBar({
    format: "Replaying  [{bar}] {value}/{total} events  {rate} events/s",
    hideCursor: true,
  });
  const begun = performance.now();
  bar.start(events.length, 0, { rate: 0 });
  for (let at = 0; at < events.length; at += BATCH) {
    const batch = events.slice(at, at + BATCH);
    await api.post("/events", batch, "application/cloudevents-batch+json");
    const rate = Math.round((at + batch.length) / ((performance.now() - begun) / 1000));
    bar.update(at + batch.length, { rate });
  }
  await untilMetered(api);
  bar.stop();
  const seconds = (performance.now() - begun) / 1000;
  console.log(
    `Metered    ${events.length} events in ${seconds.toFixed(1)} s, from the first request to the last commit`,
  );
}

async function transferred(simulator: string | null): Promise<bigint> {
  if (simulator === null) return 0n;
  const response = await fetch(`${simulator}/v1/transfers?limit=100`, {
    headers: { authorization: "Bearer sk_test_demo" },
  });
  const { data } = (await response.json()) as { data: { amount: number }[] };
  return data.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { exit: { type: "boolean", default: false }, kafka: { type: "boolean", default: false } },
  });
  const signal = untilSignal();
  const dataDir = await mkdtemp(join(tmpdir(), "tributary-demo-"));
  const stops: (() => Promise<unknown>)[] = [() => rm(dataDir, { recursive: true, force: true })];
  try {
    const brokers = values.kafka ? await startBroker(dataDir, stops) : undefined;
    const key = randomBytes(24).toString("base64url").padEnd(32, "0");
    const { STRIPE_SECRET_KEY: _, DATABASE_URL: __, ...environment } = process.env;
    const kafka = brokers === undefined ? {} : { KAFKA_BROKERS: brokers };
    const config = readConfig({ ...environment, ...kafka, DATA_DIR: dataDir, OPERATOR_KEY: key });
    console.log(
      `Tributary demo: PostgreSQL, ${values.kafka ? "a Kafka broker" : "its usage log"} and the Stripe simulator, in ${dataDir}`,
    );
    const tributary = await wire(
      config,
      createLogger(process.env.LOG_LEVEL === undefined ? "warn" : config.LOG_LEVEL),
      "tributary-demo",
    );
    stops.push(tributary.close);
    stops.push(await startWorkers(tributary));
    const { url, stop } = await startApi(tributary).catch((error: unknown) => {
      if (!(error instanceof PortTaken)) throw error;
      return startApi({ ...tributary, config: { ...config, PORT: 0 } });
    });
    stops.push(stop);
    const proved = await demo({ tributary, api: apiClient(url, key), url, key });
    if (!proved) process.exitCode = 1;
    if (!values.exit) {
      console.log("\nIt stays up: Ctrl-C ends it, and its data folder is removed.");
      await signal;
    }
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function startBroker(dataDir: string, stops: (() => Promise<unknown>)[]): Promise<string> {
  const broker = await startKafkaBroker({ dataDir: join(dataDir, "kafka") });
  stops.push(broker.stop);
  return broker.brokers;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
