import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect, test, vi } from "vitest";
import { CatalogDocument, openCatalogStore } from "../../../src/catalog/index.ts";
import { type EventStream, openStream } from "../../../src/http/live/event-stream.ts";
import { LiveFeed, type LiveFigures } from "../../../src/http/live/live-feed.ts";
import { RestrictedReaders } from "../../../src/postgres/index.ts";
import type { UsageLog } from "../../../src/usage/index.ts";
import { startTestApi } from "../../support/api.ts";
import { createTestDatabase } from "../../support/database.ts";
import { startTestMetering } from "../../support/metering.ts";
import { expectProblem } from "../../support/problem.ts";
import { until } from "../../support/until.ts";
import { SMALL_CATALOG, usageEvent } from "../../support/usage.ts";

interface Figures {
  balances: { accruing: { amount: string } }[] | null;
  metering: object | null;
}

/** Hears a stream of events until it ends. */
function hear(body: ReadableStream<Uint8Array>) {
  const heard: Figures[] = [];
  let beats = 0;
  let ended = false;
  const read = async () => {
    let text = "";
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const events = `${text}${chunk}`.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        if (event.startsWith(":")) beats += 1;
        const [, data] = /^event: figures\ndata: (.*)$/m.exec(event) ?? [];
        if (data !== undefined) heard.push(JSON.parse(data) as Figures);
      }
    }
  };
  read().then(
    () => {
      ended = true;
    },
    () => {
      ended = true;
    },
  );
  return { heard, beats: () => beats, ended: () => ended };
}

test("a stream tells its own what moves, nobody else, and ends when the service stops", async () => {
  const api = await startTestApi();
  await api.load(SMALL_CATALOG);
  expectProblem(await api.as(null)("GET", "/v1/live"), 401, "unauthenticated");
  const customer = await api.keyFor({ role: "customer", customer: "acme" });
  expectProblem(await customer("GET", "/v1/live"), 403, "role_not_allowed");

  const streamFor = async (payee: string) => {
    const { body } = await api.operator("POST", "/v1/keys", { role: "payee", payee });
    const { secret } = body as { secret: string };
    const headers = { Authorization: `Bearer ${secret}`, Accept: "text/event-stream" };
    const response = await fetch(`${api.url}/v1/live`, { headers });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    return hear(response.body as ReadableStream<Uint8Array>);
  };
  const [ada, lin] = await Promise.all([streamFor("ada"), streamFor("lin")]);
  await until(() => ada.heard.length > 0 && lin.heard.length > 0);
  await api.send(usageEvent({ id: "p1", metrics: { input_token_count: 100_000 } }));
  await until(() => /[1-9]/.test(ada.heard.at(-1)?.balances?.[0]?.accruing.amount ?? ""));
  expect(
    JSON.stringify(lin.heard.flatMap(({ balances }) => balances?.map((own) => own.accruing))),
  ).not.toMatch(/"amount":"[^"]*[1-9]/);
  expect([...ada.heard, ...lin.heard].every(({ metering }) => metering === null)).toBe(true);

  await api.stop();
  await until(() => ada.ended() && lin.ended());
});

test("a payee's stream goes on beyond its first beat, and ends at one when its key is revoked", async () => {
  const api = await startTestApi();
  await api.load(SMALL_CATALOG);
  const { id, secret } = (await api.operator("POST", "/v1/keys", { role: "payee", payee: "ada" })).body as {
    id: string;
    secret: string;
  };
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  try {
    const headers = { Authorization: `Bearer ${secret}`, Accept: "text/event-stream" };
    const response = await fetch(`${api.url}/v1/live`, { headers });
    const ada = hear(response.body as ReadableStream<Uint8Array>);
    await until(() => ada.heard.length > 0);
    vi.advanceTimersByTime(15_000);
    await until(() => ada.beats() === 1);
    expect(ada.ended()).toBe(false);
    await api.operator("DELETE", `/v1/keys/${id}`);
    vi.advanceTimersByTime(15_000);
    await until(() => ada.ended());
    expect(ada.beats()).toBe(1);
  } finally {
    vi.useRealTimers();
    await api.stop();
  }
});

test("a reader that does not read is let go, and nothing is written after the end", async () => {
  const over = vi.fn();
  const figures = { filler: "x".repeat(100_000) } as unknown as LiveFigures;
  const opened = Promise.withResolvers<EventStream>();
  const server = createServer((_request, response) => {
    opened.resolve(openStream(response, async () => {}, over));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const reader = connect((server.address() as AddressInfo).port, "127.0.0.1").pause();
  reader.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const stream = await opened.promise;
  await until(() => {
    stream.send(figures);
    return over.mock.calls.length > 0;
  });
  stream.send(figures);
  stream.finish();
  expect(over).toHaveBeenCalledTimes(1);
  reader.destroy();
  server.close();
  await once(server, "close");
});

test("a payee's figures are read over its own connections, and while a page only listens no others go for them", async () => {
  const database = await createTestDatabase();
  const readers = new RestrictedReaders(database.url);
  const used = vi.spyOn(readers, "use");
  const feed = new LiveFeed(database.sql, readers, undefined as unknown as UsageLog);
  await openCatalogStore(database.sql).change(CatalogDocument.parse(SMALL_CATALOG));
  const told: string[] = [];
  const stop = feed.listen("ada", () => told.push("ada"));
  await until(() => told.length > 0);
  expect(used).not.toHaveBeenCalled();
  stop();
  expect((await feed.figures("ada")).balances).toHaveLength(1);
  const again = feed.listen("ada", () => told.push("ada"));
  await until(() => told.length > 1);
  expect(used.mock.calls.map(([reader]) => reader)).toEqual([
    { payee: "ada", customer: null },
    { payee: "ada", customer: null },
  ]);
  again();
  feed.close();
  await readers.close();
  await database.drop();
});

test("however many listen, the books are looked at and figures read once for each audience", async () => {
  const { sql, drop } = await startTestMetering();
  // Payees' figures never ask the log.
  const feed = new LiveFeed(sql, null, undefined as unknown as UsageLog);
  const read = vi.spyOn(feed, "figures");
  const told = Array.from({ length: 20 }, () => 0);
  const stops = told.map((_, n) =>
    feed.listen(n % 2 === 0 ? "ada" : "lin", () => {
      told[n] = (told[n] ?? 0) + 1;
    }),
  );
  await until(() => told.every((times) => times > 0));
  expect(told).toEqual(told.map(() => 1));
  expect(read.mock.calls.map(([audience]) => audience).sort()).toEqual(["ada", "lin"]);
  for (const stop of stops) stop();
  feed.close();
  await drop();
});
