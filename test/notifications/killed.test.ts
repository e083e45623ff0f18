import { afterEach, expect, test } from "vitest";
import { openCatalogStore } from "../../src/catalog/index.ts";
import { createEndpoint } from "../../src/notifications/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { startRole } from "../processes/role-process.ts";
import { createTestDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";
import { SMALL_CATALOG } from "../support/usage.ts";
import { startReceiver } from "./receiver.ts";

const KILLS = 3;
const FACTS_BETWEEN = 6;
const releases: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

/** An adjustment of ada's, committed or not. */
async function adjust(sql: Sql, key: string, outcome: "commit" | "rollback"): Promise<void> {
  const work = sql.begin(async (tx) => {
    await tx`SELECT post_entry(${key}, 'adjustment', 'USD', '2023-11-01', '{}', ARRAY['platform:revenue', 'payee:ada:payable'],
      ARRAY[1, -1]::numeric[])`;
    await tx`SET CONSTRAINTS ALL IMMEDIATE`;
    if (outcome === "rollback") throw new Error("rolled back");
  });
  if (outcome === "commit") await work;
  else await expect(work).rejects.toThrow("rolled back");
}

test("workers that are killed while they send lose no message and invent none", async () => {
  const [{ url, sql, drop }, receiver] = [await createTestDatabase(), await startReceiver()];
  releases.push(drop, receiver.stop);
  await openCatalogStore(sql).change(SMALL_CATALOG as never);
  const hosts = new Set(["127.0.0.1"]);
  const { secret } = await createEndpoint(
    sql,
    { payee: "ada", customer: null, url: `${receiver.url}/`, events: null },
    hosts,
  );
  const settings = { DATABASE_URL: url, WEBHOOK_ALLOWED_HOSTS: "127.0.0.1", WEBHOOK_INTERVAL_MS: "50" };

  // Until the last worker comes, every second message gets its answer; the others hang until their sender is killed.
  receiver.answer((response) => {
    if (receiver.received.length % 2 === 0) response.writeHead(204).end();
  });
  const facts: string[] = [];
  for (let kills = 0; kills < KILLS; kills++) {
    const worker = await startRole("worker", settings);
    releases.push(worker.stop);
    const before = receiver.received.length;
    for (let n = 0; n < FACTS_BETWEEN; n++) {
      const key = `fact-${kills}-${n}`;
      await adjust(sql, `${key}-undone`, "rollback");
      await adjust(sql, key, "commit");
      facts.push(key);
    }
    await until(async () => receiver.received.length >= before + 2);
    await worker.kill();
  }

  receiver.answer((response) => response.writeHead(204).end());
  // Their leases would run out in a minute.
  await sql`UPDATE webhook_delivery SET next_attempt_at = now() WHERE state = 'pending'`;
  const last = await startRole("worker", settings);
  releases.push(last.stop);
  await until(async () => (await sql`SELECT FROM webhook_delivery WHERE state = 'pending'`).length === 0);

  const told = receiver.verified("/", secret);
  const byId = new Map(told.map(({ id, data }) => [id, data.entry]));
  expect([...byId.values()].sort()).toEqual(facts.sort());
  expect(told.length).toBeGreaterThan(facts.length);
  expect((await sql`SELECT id FROM webhook_message`).map(({ id }) => id).sort()).toEqual(
    [...byId.keys()].sort(),
  );
});
