import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openEmbeddedPostgres, openSql } from "../../src/postgres/index.ts";
import { until } from "../support/until.ts";

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "tributary-embedded-"));
});

afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

async function query<T>(url: string, text: string): Promise<T[]> {
  const sql = openSql(url, { max: 1 });
  try {
    return (await sql.unsafe(text)) as unknown as T[];
  } finally {
    await sql.end();
  }
}

async function serverPid(): Promise<number> {
  const lines = await readFile(join(dataDir, "postgres", "postmaster.pid"), "utf8");
  return Number(lines.split("\n")[0]);
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("what was written is there again after a close and a new start", async () => {
  const first = await openEmbeddedPostgres({ dataDir });
  await query(first.url, "CREATE TABLE kept AS SELECT 42 AS answer");
  await first.close();
  const second = await openEmbeddedPostgres({ dataDir });
  expect(await query(second.url, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
  await second.close();
});

test("a second opener joins the server, and the last one out stops it", async () => {
  const first = await openEmbeddedPostgres({ dataDir });
  const second = await openEmbeddedPostgres({ dataDir });
  expect(second.url).toBe(first.url);
  const pid = await serverPid();
  const user = openSql(second.url, { max: 1 });
  await user`SELECT 1`;
  await first.close();
  expect(lives(pid)).toBe(true);
  expect(await user`SELECT 1 AS one`).toEqual([{ one: 1 }]);
  await user.end();
  await second.close();
  await until(() => !lives(pid));
});

test("two openers at the same moment on an empty folder end at one server", async () => {
  const [first, second] = await Promise.all([
    openEmbeddedPostgres({ dataDir }),
    openEmbeddedPostgres({ dataDir }),
  ]);
  expect(second.url).toBe(first.url);
  await first.close();
  await second.close();
});

test("after kill -9 of the server, a new start has every committed row", async () => {
  const first = await openEmbeddedPostgres({ dataDir });
  await query(first.url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n");
  const pid = await serverPid();
  process.kill(pid, "SIGKILL");
  await until(() => !lives(pid));
  const second = await openEmbeddedPostgres({ dataDir });
  expect(await query(second.url, "SELECT count(*)::int AS rows FROM kept")).toEqual([{ rows: 1000 }]);
  await second.close();
});

test("a stale lock file of a process that is somebody else does not keep it from starting", async () => {
  const first = await openEmbeddedPostgres({ dataDir });
  await first.close();
  await writeFile(
    join(dataDir, "postgres", "postmaster.pid"),
    `${2 ** 22 - 1}\n${dataDir}/postgres\n0\n1\n\n\n`,
  );
  const second = await openEmbeddedPostgres({ dataDir });
  expect(await query(second.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await second.close();
});
