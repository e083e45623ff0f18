import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Usage, UsageClient, type UsageEvent } from "../../src/client/index.ts";

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

test("nobody else may read the journal, and what must not leave the process is not in it", async () => {
  const journal = join(folder, "journal");
  const { taken, fetch } = service({ open: false });
  const troubles: string[] = [];
  const redact = (usage: Usage): Usage => {
    if (usage.input === undefined) throw new Error("cannot read that");
    return { ...usage, input: String(usage.input).replace("hunter2", "…") };
  };
  const options = { ...ENDPOINT, journal, delayMs: 1_000_000 };
  const client = new UsageClient({
    ...options,
    fetch,
    redact,
    onTrouble: (error) => troubles.push(error.message),
  });
  client.record(usage("a", { input: "it is hunter2" }));
  client.record(usage("b", { output: "it is hunter2" }));
  expect(troubles).toEqual(["sent without its payload, which could not be redacted"]);
  await client.close(0);
  const files = () => readdirSync(journal).map((name) => join(journal, name));
  const modes = (paths: string[]) => paths.map((path) => statSync(path).mode & 0o777);
  expect(modes([journal, ...files()])).toEqual([0o700, 0o600]);
  expect(
    files()
      .map((path) => readFileSync(path, "utf8"))
      .join(""),
  ).not.toContain("hunter2");

  // As an earlier version left it.
  for (const path of files()) chmodSync(path, 0o644);
  const next = new UsageClient({ ...options, fetch: service({ open: false }).fetch });
  expect(modes(files())).toEqual([0o600]);
  await next.close(0);
  expect(taken).toEqual([]);
});

/** Each in its own place; none of them is any other text's part. */
const PLANTED = {
  named: "walnut-Named-8823",
  header: "marmot-Bearer-5519",
  looks: "sk-proj-9QxPlanted7731",
  argument: "gerbil-Argument-3307",
  streamed: "heron-Streamed-4408",
  url: "tapir-Signature-2219",
  own: "quokka-Own-4471",
};

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    encodeURIComponent(secret),
    bytes.toString("hex"),
    bytes.toString("base64").replace(/=+$/, ""),
  ];
}

/** A prediction with secrets in every place that takes anything. */
function planted(): Partial<Usage> {
  const { named, header, looks, argument, streamed, url, own } = PLANTED;
  const call = { function: { name: "f", arguments: JSON.stringify({ client_secret: argument }) } };
  const everywhere = [named, header, looks, argument, streamed, url]
    .flatMap(formsOf)
    .map((form) => `got ${form} here`);
  return {
    input: {
      openai_api_key: named,
      headers: { Authorization: `Bearer ${header}` },
      messages: [
        { role: "user", content: `use ${looks} of ${own}` },
        { role: "assistant", tool_calls: [call] },
      ],
      file: `https://files.example.com/x.png?X-Amz-Signature=${url}`,
      [`about ${looks}`]: everywhere,
    },
    output: [..."the password=", ...streamed, " it is", ...everywhere],
    logs: everywhere.join("\n"),
    error: { detail: everywhere, [looks]: 1 },
    hardware: `gpu ${looks}`,
    metrics: { predict_time: 1.5 },
  };
}

const foundIn = (text: string, secrets: string[]) =>
  secrets.filter((secret) => formsOf(secret).some((form) => text.includes(form)));

test("planted secrets stand neither in the journal nor in what is sent, and everything that was used is", async () => {
  const { own, ...shown } = PLANTED;
  const withOwn = (usage: Usage): Usage => JSON.parse(JSON.stringify(usage).replaceAll(own, "…")) as Usage;
  for (const [redact, absent] of [
    [undefined, Object.values(shown)],
    [withOwn, Object.values(PLANTED)],
  ] as const) {
    const journal = join(folder, redact === undefined ? "default" : "own");
    const options = { ...ENDPOINT, journal, ...(redact === undefined ? {} : { redact }) };
    const cut = new UsageClient({ ...options, fetch: service({ open: false }).fetch, queuedMax: 2 });
    for (let n = 0; n < 5; n++) cut.record(usage(`p${n}`, planted()));
    const files = readdirSync(journal).map((name) => readFileSync(join(journal, name), "utf8"));
    expect(files.join("").match(/"id":"p\d"/g)).toHaveLength(5);
    expect(foundIn(files.join(""), [...absent])).toEqual([]);
    await cut.close(0);

    const { taken, fetch } = service({ open: true });
    expect(await new UsageClient({ ...options, fetch }).close()).toBe(0);
    expect(taken.map(({ id }) => id).sort()).toEqual(["p0", "p1", "p2", "p3", "p4"]);
    expect(taken[0]?.data).toMatchObject({
      metrics: { predict_time: 1.5 },
      input: { openai_api_key: "[redacted]", messages: [{ role: "user" }, {}] },
    });
    expect(foundIn(JSON.stringify(taken), [...absent])).toEqual([]);
    expect(readdirSync(journal)).toEqual([]);
  }
});

test("with redact: false everything is sent as it was recorded", async () => {
  const { taken, fetch } = service({ open: true });
  const client = new UsageClient({ ...ENDPOINT, redact: false, fetch });
  client.record(usage("a", planted()));
  await client.close();
  expect(taken[0]?.data).toMatchObject(planted());
});
