import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { UsageClient, type UsageEvent } from "../../src/client/index.ts";

const disk = vi.hoisted(() => ({ room: Number.POSITIVE_INFINITY }));

/** A disk that takes what there is room for, and then says that it is full. */
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const writeSync = (fd: number, bytes: Buffer, at = 0) => {
    if (disk.room === 0) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    const written = fs.writeSync(fd, bytes, at, Math.min(bytes.length - at, disk.room));
    disk.room -= written;
    return written;
  };
  return { ...fs, writeSync };
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tributary-client-"));
  disk.room = Number.POSITIVE_INFINITY;
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Takes what it is sent once `open`. */
function service({ open }: { open: boolean }) {
  const taken: UsageEvent[] = [];
  const answer: typeof fetch = async (_, init) => {
    if (!open) throw new TypeError("fetch failed");
    taken.push(...(JSON.parse(String(init?.body)) as UsageEvent[]));
    return Response.json({ rejected: [] }, { status: 202 });
  };
  return { taken, fetch: answer };
}

const ENDPOINT = { url: "http://127.0.0.1:1", key: "k", source: "//client" };
const usage = (id: string, more: object = {}) => ({ id, customer: "acme", model: "ada/llm", ...more });

test("a payload that JSON cannot write is left out, and what was used is sent, with a journal and without", async () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  for (const journal of [{}, { journal: folder }]) {
    const troubles: string[] = [];
    const { taken, fetch } = service({ open: true });
    const client = new UsageClient({
      ...ENDPOINT,
      ...journal,
      fetch,
      onTrouble: ({ message }) => troubles.push(message),
    });
    client.record(usage("a", { output: { n: 1n } }));
    client.record(usage("b", { input: circle, metrics: { predict_time: 2 } }));
    client.record(usage("c", { input: "hi" }));
    expect(await client.close()).toBe(0);
    expect(taken.map(({ id, data }) => [id, data.input, data.output, data.metrics])).toEqual([
      ["a", undefined, undefined, {}],
      ["b", undefined, undefined, { predict_time: 2 }],
      ["c", "hi", undefined, {}],
    ]);
    expect(troubles).toEqual([
      expect.stringMatching(/^a is sent without its payload/),
      expect.stringMatching(/^b is sent without its payload/),
    ]);
  }
});

test("a disk that was full for a while loses nothing: what was written before and after it is whole", async () => {
  const troubles: string[] = [];
  const client = new UsageClient({
    ...ENDPOINT,
    journal: folder,
    fetch: service({ open: false }).fetch,
    delayMs: 1_000_000,
    onTrouble: ({ message }) => troubles.push(message),
  });
  client.record(usage("before"));
  disk.room = 40;
  client.record(usage("in memory"));
  expect(troubles).toEqual(["no space left on device"]);
  disk.room = Number.POSITIVE_INFINITY;
  client.record(usage("after"));
  expect(await client.close(0)).toBe(3);

  const { taken, fetch } = service({ open: true });
  const next = new UsageClient({ ...ENDPOINT, journal: folder, fetch });
  expect(await next.close()).toBe(0);
  expect(taken.map(({ id }) => id).sort()).toEqual(["after", "before"]);
  expect(readdirSync(folder)).toEqual([]);
});
