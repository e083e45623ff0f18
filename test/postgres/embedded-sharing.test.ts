import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openEmbeddedPostgres, openSql } from "../../src/postgres/index.ts";

let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "tributary-sharing-"));
});

afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

async function answers(url: string): Promise<boolean> {
  const sql = openSql(url, { max: 1 });
  try {
    await sql`SELECT 1`;
    return true;
  } catch {
    return false;
  } finally {
    await sql.end();
  }
}

function refuses(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.once("connect", () => socket.destroy() && resolve(false));
    socket.once("error", () => resolve(true));
  });
}

test("an opener with no connection of its own keeps the server up, and the last close frees the port", async () => {
  const first = await openEmbeddedPostgres({ dataDir });
  const second = await openEmbeddedPostgres({ dataDir });
  await first.close();
  expect(await answers(second.url)).toBe(true);
  await second.close();
  expect(await refuses(second.url)).toBe(true);
});

test("a server that psql uses, without having opened it, is left up", async () => {
  const opener = await openEmbeddedPostgres({ dataDir });
  const psql = openSql(opener.url, { max: 1, name: "psql" });
  await psql`SELECT 1`;
  await opener.close();
  expect(await psql`SELECT 2 AS two`).toEqual([{ two: 2 }]);
  await psql.end();
  const next = await openEmbeddedPostgres({ dataDir });
  expect(next.url).toBe(opener.url);
  await next.close();
  expect(await refuses(next.url)).toBe(true);
});

test("whoever opens while the last one closes gets a server that stays", async () => {
  for (let round = 0; round < 5; round++) {
    const last = await openEmbeddedPostgres({ dataDir });
    const [next] = await Promise.all([openEmbeddedPostgres({ dataDir }), last.close()]);
    expect(await answers(next.url)).toBe(true);
    await next.close();
  }
});

test("a second close does nothing", async () => {
  const first = await openEmbeddedPostgres({ dataDir });
  await first.close();
  const second = await openEmbeddedPostgres({ dataDir });
  await first.close();
  expect(await answers(second.url)).toBe(true);
  await second.close();
});

test("a pid file whose number belongs to a living stranger now does not keep it from starting", async () => {
  const { uid, gid } = await stat(join(dataDir, "postgres"));
  const stranger = spawn("sleep", ["600"], process.getuid?.() === 0 ? { uid, gid } : {});
  try {
    const note = `${stranger.pid}\n${join(dataDir, "postgres")}\n1700000000\n5000\n\n127.0.0.1\n`;
    await writeFile(join(dataDir, "postgres", "postmaster.pid"), note);
    const opener = await openEmbeddedPostgres({ dataDir });
    expect(await answers(opener.url)).toBe(true);
    await opener.close();
    expect(stranger.exitCode).toBeNull();
  } finally {
    stranger.kill("SIGKILL");
  }
});

test("when something else has its port it moves to another one and keeps that", async () => {
  const before = await openEmbeddedPostgres({ dataDir });
  await before.close();
  const other = createServer();
  await new Promise<void>((resolve) =>
    other.listen(Number(new URL(before.url).port), "127.0.0.1", () => resolve()),
  );
  const moved = await openEmbeddedPostgres({ dataDir });
  await moved.close();
  await new Promise((resolve) => other.close(resolve));
  expect(moved.url).not.toBe(before.url);
  const kept = await openEmbeddedPostgres({ dataDir });
  expect(kept.url).toBe(moved.url);
  await kept.close();
});

test("a lost password is named, with what to do", async () => {
  const path = join(dataDir, "postgres.json");
  const settings = await readFile(path, "utf8");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await rm(path);
  await expect(openEmbeddedPostgres({ dataDir })).rejects.toThrow(/postgres\.json is missing.*put it back/);
  await writeFile(path, settings, { mode: 0o600 });
});
