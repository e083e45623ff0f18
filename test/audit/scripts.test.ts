import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { extendChain } from "../../src/ledger/index.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  [database, folder] = await Promise.all([
    createTestDatabase(),
    mkdtemp(join(tmpdir(), "tributary-seal-test-")),
  ]);
});
afterAll(() => Promise.all([database?.drop(), rm(folder, { recursive: true, force: true })]));

async function run(script: string, ...args: string[]): Promise<{ code: number; out: string }> {
  const env = { ...process.env, DATABASE_URL: database.url };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [`scripts/${script}.ts`, ...args], {
      env,
    });
    return { code: 0, out: stdout };
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    return { code, out: stdout };
  }
}

test("an exported head is found in the chain by verify, and missed when history was rewritten", async () => {
  const { sql } = database;
  await sql`SELECT post_entry('mistake', 'adjustment', 'USD', '2023-11-01', '{}',
    ARRAY['platform:revenue', 'platform:loss'], ARRAY[5, -5]::numeric[])`;
  await sql`SELECT reverse_entry('mistake', 'it was one')`;
  const chained = () =>
    until(async () => {
      await extendChain(sql);
      return (await sql`SELECT FROM chain_link`).length === 2;
    });
  await chained();
  const { code, out } = await run("seal-export");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ head: { chain_no: "2" }, seals: [] });
  const file = join(folder, "seals.json");
  await writeFile(file, out);
  expect(await run("verify", "--seal", file)).toMatchObject({ code: 0 });

  await sql.begin(async (tx) => {
    await tx`SET LOCAL session_replication_role = replica`;
    await tx`UPDATE posting SET amount_nanos = amount_nanos * 2`;
    await tx`UPDATE account_balance SET balance_nanos = balance_nanos * 2`;
    await tx`DELETE FROM chain_link`;
    await tx`UPDATE chain_state SET complete_until_xid = 0`;
  });
  await chained();
  expect(await run("verify")).toMatchObject({ code: 0 });
  const found = await run("verify", "--seal", file);
  expect(found.code).toBe(1);
  expect(found.out).toMatch(/head: kept \w+ at link 2, found \w+/);
});
