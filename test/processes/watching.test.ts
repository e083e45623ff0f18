import { afterEach, expect, test } from "vitest";
import { createTestDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";
import { type RoleProcess, startRole } from "./role-process.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

const BATCH = "application/cloudevents-batch+json";
const releases: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

interface Scene {
  database: Awaited<ReturnType<typeof createTestDatabase>>;
  /** Between the processes and PostgreSQL. */
  network: TcpProxy;
  started(role: "all" | "api" | "worker", environment?: NodeJS.ProcessEnv): Promise<RoleProcess>;
}

async function scene(): Promise<Scene> {
  const database = await createTestDatabase();
  releases.push(database.drop);
  const direct = new URL(database.url);
  const network = await startTcpProxy({ host: direct.hostname, port: Number(direct.port) });
  releases.push(network.stop);
  const through = new URL(direct);
  through.host = `127.0.0.1:${network.port}`;
  return {
    database,
    network,
    async started(role, environment = {}) {
      const process = await startRole(role, { DATABASE_URL: through.href, ...environment });
      releases.push(async () => {
        await network.heal();
        await process.stop();
      });
      return process;
    },
  };
}

async function send(api: RoleProcess, ...events: unknown[]): Promise<void> {
  await api.call("POST", "/events", events, BATCH);
}

/** Sums the samples of a metric over its partitions. */
function total(metrics: Map<string, number>, name: string, label = ""): number {
  let sum = 0;
  for (const [sample, value] of metrics)
    if (sample.split("{")[0] === name && sample.includes(label)) sum += value;
  return sum;
}

async function reason(process: RoleProcess): Promise<string> {
  const { status, body } = await process.health();
  return status === 503 ? body.reasons.join("; ") : "";
}

/** No batch can be applied, nor catalogue changed, though the database answers everything else. */
async function blockMetering({ database }: Scene): Promise<() => Promise<void>> {
  const session = await database.sql.reserve();
  await session`SELECT pg_advisory_lock(7001)`;
  return async () => {
    await session`SELECT pg_advisory_unlock(7001)`;
    session.release();
  };
}

test("the metrics of every process say what the metering status says", async () => {
  const { started } = await scene();
  const [api, worker] = await Promise.all([started("api"), started("worker")]);
  await api.call("POST", "/catalog/import", SMALL_CATALOG);
  const again = usageEvent({ id: "again" });
  const other = usageEvent({ id: "again", metrics: { input_token_count: 5 } });
  const parked = usageEvent({ id: "parked", model: "nobody/knows" });
  await send(api, again, again, other, parked, ...["a", "b", "c"].map((id) => usageEvent({ id })));
  const status = async () => (await api.call("GET", "/metering/status")) as Record<string, unknown>;
  await until(async () => (await status()).lag === 0);

  const said = await status();
  for (const process of [api, worker]) {
    const metrics = await process.metrics();
    for (const outcome of ["applied", "duplicate", "conflict", "dead", "parked"]) {
      const counted = total(metrics, "tributary_metering_events_total", `outcome="${outcome}"`);
      expect(`${outcome} ${counted}`).toBe(`${outcome} ${said[outcome]}`);
    }
    expect(total(metrics, "tributary_metering_consumed_events_total")).toBe(Number(said.consumed));
    expect(metrics.get("tributary_metering_parked_waiting")).toBe(Number(said.waiting));
    expect(metrics.get("tributary_database_up")).toBe(1);
    expect(metrics.get("tributary_usage_log_up")).toBe(1);
    expect(metrics.get("tributary_metering_standstill_seconds")).toBe(0);
    for (const name of ["tributary_metering_lag_records", "tributary_metering_oldest_unmetered_seconds"]) {
      expect(metrics.has(`${name}{partition="0"}`), name).toBe(true);
      expect(total(metrics, name), name).toBe(0);
    }
    expect(metrics.get("process_resident_memory_bytes")).toBeGreaterThan(0);
  }
  expect(said).toMatchObject({ applied: "4", duplicate: "1", conflict: "1", parked: "1" });
  expect((await worker.metrics()).get("tributary_metering_batch_records_sum")).toBe(1);
  expect((await worker.metrics()).get("tributary_metering_batch_seconds_count")).toBe(1);
  expect((await api.metrics()).get("tributary_metering_batch_records_count")).toBe(0);
});

test("lag and the age of the oldest unmetered record show while nobody meters, and end when somebody does", async () => {
  const { started } = await scene();
  const api = await started("api");
  await api.call("POST", "/catalog/import", SMALL_CATALOG);
  await send(api, usageEvent({ id: "one" }));
  await until(async () => {
    const metrics = await api.metrics();
    return (
      total(metrics, "tributary_metering_lag_records") === 1 &&
      total(metrics, "tributary_metering_oldest_unmetered_seconds") > 0 &&
      total(metrics, "tributary_metering_standstill_seconds") > 0
    );
  });
  expect(await api.health(), "an API does not meter").toMatchObject({ status: 200 });
  const worker = await started("worker");
  await until(async () => total(await worker.metrics(), "tributary_metering_lag_records") === 0);
  const after = await api.metrics();
  expect(total(after, "tributary_metering_oldest_unmetered_seconds")).toBe(0);
  expect(after.get("tributary_metering_standstill_seconds")).toBe(0);
});

test("while PostgreSQL cannot be reached no process is healthy, their metrics answer, and after it all are", async () => {
  const { started, network } = await scene();
  const processes = await Promise.all([started("api"), started("worker"), started("all")]);
  await network.cut();
  for (const process of processes) {
    await until(async () => (await process.health()).status === 503);
    const { body } = await process.health();
    expect(body.status).toBe("failing");
    expect(body.reasons.join("; ")).toMatch(/^the database cannot be read: \w+/);
    const metrics = await process.metrics();
    expect(metrics.get("tributary_database_up")).toBe(0);
    expect(total(metrics, "tributary_metering_lag_records"), "nothing is repeated from before").toBe(0);
    expect(metrics.has('tributary_metering_lag_records{partition="0"}')).toBe(false);
    expect(metrics.has("tributary_metering_parked_waiting")).toBe(false);
    expect(metrics.get("process_resident_memory_bytes")).toBeGreaterThan(0);
  }
  await network.heal();
  for (const process of processes) await until(async () => (await process.health()).status === 200);
});

test("a PostgreSQL that hangs for longer than the limit ends no process, and metering goes on after it", async () => {
  const { started, network } = await scene();
  const limit = { PROGRESS_LIMIT_SECONDS: "1" };
  const [api, worker] = await Promise.all([started("api"), started("worker", limit)]);
  await api.call("POST", "/catalog/import", SMALL_CATALOG);
  network.hang();
  for (let scrapes = 0; scrapes < 3; scrapes += 1) {
    expect((await worker.metrics()).get("tributary_database_up"), "each waits two seconds for it").toBe(0);
    expect((await worker.health()).body.reasons).toContain(
      "the database cannot be read: no answer within 2 s",
    );
  }
  await network.heal();
  await until(async () => (await worker.health()).status === 200);
  await until(() =>
    send(api, usageEvent({ id: "one" })).then(
      () => true,
      () => false,
    ),
  );
  await until(async () => total(await worker.metrics(), "tributary_metering_events_total") === 1);
});

test("a worker that makes no progress says so, and ends with code 70 to be started again", async () => {
  const here = await scene();
  const { started } = here;
  // It says so from one limit to two: long enough that a busy machine's questions fall into it.
  const limit = { PROGRESS_LIMIT_SECONDS: "6" };
  const [api, worker] = await Promise.all([started("api", limit), started("worker", limit)]);
  await api.call("POST", "/catalog/import", SMALL_CATALOG);
  const unblock = await blockMetering(here);
  await send(api, usageEvent({ id: "one" }));

  let reasons: string[] = [];
  await until(async () => {
    const health = await worker.health();
    reasons = health.body.reasons;
    return health.status === 503;
  });
  expect(reasons).toEqual([
    expect.stringMatching(/^partition \d: 1 records wait and nothing was metered for \d+ s$/),
  ]);
  const { code, errors } = await worker.ended;
  expect(code).toBe(70);
  expect(errors).toContain("records wait and no cursor moves");
  expect(await api.health(), "the API goes on").toMatchObject({ status: 200 });

  await unblock();
  const next = await started("worker", limit);
  await until(async () => total(await next.metrics(), "tributary_metering_events_total") === 1);
  expect(await next.health()).toMatchObject({ status: 200, body: { status: "ok" } });
});

test("a partition that waits for a person is named, is no reason to end, and the others go on", async () => {
  const { started, database } = await scene();
  const environment = { PROGRESS_LIMIT_SECONDS: "1", LOG_LEVEL: "silent" };
  const worker = await started("worker", environment);
  await until(async () => (await database.sql`SELECT FROM metering_cursor`).length === 4);
  await worker.stop();
  await database.sql`UPDATE metering_cursor SET log_id = 'another' WHERE partition = 2`;

  const again = await started("worker", environment);
  // It may be seen in the cursor before this worker has tried to claim it, and says so in other words then.
  await until(async () => /^partition 2 is halted: .*another/.test(await reason(again)));
  expect((await again.health()).body.reasons).toHaveLength(1);
  expect((await again.metrics()).get('tributary_metering_halted{partition="2"}')).toBe(1);
  expect((await again.metrics()).has('tributary_metering_halted{partition="1"}')).toBe(false);
});
