import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { UsageClient, type UsageClientOptions, UsageQueueFull } from "../../src/client/index.ts";
import { OPERATOR_KEY, startTestApi, type TestApi } from "../support/api.ts";
import { until } from "../support/until.ts";
import { SMALL_CATALOG } from "../support/usage.ts";

let api: TestApi;
let folder: string;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
});
afterAll(() => api.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tributary-client-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

let sources = 0;
function connect(options: Partial<UsageClientOptions> = {}) {
  const source = `//client/${sources++}`;
  return { source, client: new UsageClient({ url: api.url, key: OPERATOR_KEY, source, ...options }) };
}

const usage = (n: number) => ({
  id: `p${n}`,
  customer: "acme",
  model: "ada/llm",
  time: new Date("2023-11-16T12:00:00Z"),
  metrics: { input_token_count: 1000 },
});

function record(client: UsageClient, from: number, upTo: number): void {
  for (let n = from; n < upTo; n++) client.record(usage(n));
}

/** How many events of a source are counted, each once. */
async function counted(source: string): Promise<number> {
  await api.metered();
  const [row] = await api.sql<[{ events: number }]>`
    SELECT count(*)::int AS events FROM usage_event e JOIN usage_source s USING (source_no) WHERE s.source = ${source}`;
  return row.events;
}

/** Answers as the API would not: `before` loses the request, `after` the answer. */
function losing(...losses: ("before" | "after" | "busy")[]): typeof fetch {
  return async (input, init) => {
    const loss = losses.shift();
    if (loss === "before") throw new TypeError("fetch failed");
    if (loss === "busy") return new Response("{}", { status: 503, headers: { "retry-after": "0" } });
    const response = await fetch(input, init);
    if (loss === "after") throw new TypeError("terminated");
    return response;
  };
}

test("what is recorded is counted, in batches", async () => {
  const requests: number[] = [];
  const counting: typeof fetch = (input, init) => {
    requests.push((JSON.parse(String(init?.body)) as unknown[]).length);
    return fetch(input, init);
  };
  const { source, client } = connect({ fetch: counting, batchEvents: 400 });
  record(client, 0, 1000);
  await client.flush();
  expect(await client.close()).toBe(0);
  expect(requests).toEqual([400, 400, 200]);
  expect(await counted(source)).toBe(1000);
});

test("lost requests, lost answers and a busy server count nothing twice and lose nothing", async () => {
  const troubles: Error[] = [];
  const { source, client } = connect({
    fetch: losing("before", "after", "busy", "after"),
    batchEvents: 50,
    onTrouble: (error) => troubles.push(error),
  });
  record(client, 0, 120);
  await client.close();
  expect(troubles.length).toBe(4);
  expect(await counted(source)).toBe(120);
});

test("an event that is refused is named with what to change, and the others are counted", async () => {
  const refused: string[] = [];
  const { source, client } = connect({ onRejected: ({ id }, { code }) => refused.push(`${id} ${code}`) });
  client.record({ ...usage(1), metrics: { predict_time: -1 } });
  client.record(usage(2));
  await client.close();
  expect(refused).toEqual(["p1 quantity_invalid"]);
  expect(await counted(source)).toBe(1);
});

test("a request that is too large is sent in halves", async () => {
  const { source, client } = connect({ batchEvents: 1000 });
  // A thousand of these are more than the API takes at once.
  const metrics = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`meter_of_a_long_name_${n}`, 1]));
  for (let n = 0; n < 1000; n++) client.record({ ...usage(n), metrics });
  await client.close();
  expect(await counted(source)).toBe(1000);
});

test("without a journal a full queue refuses, with one it goes on, on disk", async () => {
  const down = losing(...Array.from({ length: 8 }, () => "before" as const));
  const { client: small } = connect({ queuedMax: 10, fetch: down });
  record(small, 0, 10);
  expect(() => small.record(usage(10))).toThrow(UsageQueueFull);
  await small.close(0);

  const { source, client } = connect({
    queuedMax: 10,
    batchEvents: 7,
    journal: folder,
    fetch: losing("before"),
  });
  record(client, 0, 2500);
  await client.flush();
  record(client, 2500, 2600);
  expect(await client.close()).toBe(0);
  expect(await counted(source)).toBe(2600);
  expect(readdirSync(folder)).toEqual([]);
});

/** A process of its own that records `count` events, says so, and then does what `end` says. */
function startProducer(source: string, url: string, count: number, end: "hangs" | "ends") {
  const program = `
    import { UsageClient } from ${JSON.stringify(new URL("../../src/client/index.ts", import.meta.url).href)};
    const client = new UsageClient({ url: ${JSON.stringify(url)}, key: ${JSON.stringify(OPERATOR_KEY)},
      source: ${JSON.stringify(source)}, journal: ${JSON.stringify(folder)}, delayMs: 60_000 });
    for (let n = 0; n < ${count}; n++)
      client.record({ id: "p" + n, customer: "acme", model: "ada/llm", time: new Date("2023-11-16T12:00:00Z"),
        metrics: { input_token_count: 1000 } });
    console.log("recorded");
    ${end === "hangs" ? "setInterval(() => {}, 1000);" : ""}`;
  return spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

test("what a process recorded before kill -9 is sent by the next one, once, also a line that was cut off", async () => {
  const { source, client: none } = connect();
  await none.close();
  const killed = startProducer(source, "http://127.0.0.1:1", 1500, "hangs");
  await once(killed.stdout, "data");
  killed.kill("SIGKILL");
  await once(killed, "exit");
  const last = readdirSync(folder).at(-1) ?? "";
  appendFileSync(join(folder, last), '{"specversion":"1.0","id":"cut o');
  // One that is itself cut off in the middle sends some of it.
  const stopped = new UsageClient({
    url: api.url,
    key: OPERATOR_KEY,
    source,
    journal: folder,
    batchEvents: 100,
    fetch: losing(
      ...Array.from({ length: 50 }, (_, n) => (n % 2 ? ("after" as const) : ("before" as const))),
    ),
  });
  await until(async () => (await counted(source)) > 0);
  await stopped.close(0);
  const next = new UsageClient({ url: api.url, key: OPERATOR_KEY, source, journal: folder });
  await next.flush();
  await next.close();
  expect(await counted(source)).toBe(1500);
  expect(readdirSync(folder)).toEqual([]);
});

test("a process that ends by itself sends what it has before", async () => {
  const { source, client } = connect();
  await client.close();
  const producer = startProducer(source, api.url, 20, "ends");
  expect(await once(producer, "exit")).toEqual([0, null]);
  expect(await counted(source)).toBe(20);
});

test("what came in and out travels along; an event that is too large with it is sent without", async () => {
  const { client, source } = connect({ onRejected: (event) => expect(event).toBeUndefined() });
  client.record({ ...usage(0), input: { prompt: "hi" }, output: ["a", "b"] });
  client.record({ ...usage(1), input: "x".repeat(2_000_000) });
  await client.close();
  expect(await counted(source)).toBe(2);
  const query = `?source=${encodeURIComponent(source)}`;
  expect((await api.operator("GET", `/v1/predictions/p0${query}`)).body).toMatchObject({
    output: ["a", "b"],
  });
  expect((await api.operator("GET", `/v1/predictions/p1${query}`)).body).toMatchObject({
    payload: { state: "none" },
  });
});
