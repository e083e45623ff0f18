import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type OpenAI from "openai";
import type { TransactionSql } from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DataKeys, masterKey, sweepPayloads } from "../../src/predictions/index.ts";
import { newDataKey } from "../../src/predictions/payloads/vault.ts";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { until } from "../support/until.ts";
import { type EventFields, SMALL_CATALOG, usageEvent } from "../support/usage.ts";

const MASTER = Buffer.alloc(32, 7);

let api: TestApi;
let acme: Call;
let globex: Call;
let ada: Call;
let keys: DataKeys;

beforeAll(async () => {
  api = await startTestApi({ MASTER_KEY: MASTER.toString("base64") });
  await api.load(SMALL_CATALOG);
  [acme, globex, ada] = await Promise.all([
    api.keyFor({ role: "customer", customer: "acme" }),
    api.keyFor({ role: "customer", customer: "globex" }),
    api.keyFor({ role: "payee", payee: "ada" }),
  ]);
  keys = new DataKeys(api.sql, [masterKey(MASTER)]);
});
afterAll(() => api.stop());

function withPayload(fields: EventFields, payload: Record<string, unknown>) {
  const event = usageEvent(fields);
  return { ...event, data: { ...event.data, ...payload } };
}

async function seen(id: string, call: Call = api.operator): Promise<Record<string, unknown>> {
  const { status, body } = await call("GET", `/v1/predictions/${id}`);
  expect(status).toBe(200);
  return body as Record<string, unknown>;
}

const stored = async () => {
  const [row] = await api.sql<[{ refs: number; bodies: number }]>`
    SELECT (SELECT count(*)::int FROM payload_ref) AS refs, (SELECT count(*)::int FROM prediction_payload) AS bodies`;
  return row;
};

describe("what came with a prediction", () => {
  const CHAT: OpenAI.ChatCompletionCreateParams = {
    model: "ada/llm",
    messages: [
      { role: "system", content: "be brief" },
      { role: "user", content: [{ type: "image_url", image_url: { url: "https://example.com/cat.png" } }] },
    ],
    tools: [{ type: "function", function: { name: "weather", parameters: { type: "object" } } }],
  };
  const KINDS: Record<string, unknown>[] = [
    { input: "text", output: 4.5, logs: "line 1\nline 2\n" },
    { input: { seed: 0, strict: false, nothing: null }, output: true },
    { input: CHAT, output: [{ role: "assistant", content: null, tool_calls: [] }] },
    { input: ["https://example.com/a.wav"], output: ["Once", " upon", " a", " time"], error: { code: 3 } },
    { input: { nested: [[]], "é\u0000": "\ud83d\ude00" }, error: "out of memory" },
  ];

  test("of every kind comes back as it was sent, with its times and metrics", async () => {
    const times = {
      created_at: "2023-11-16T11:59:00Z",
      started_at: "2023-11-16T11:59:30Z",
      hardware: "gpu-l40s",
    };
    await api.send(...KINDS.map((payload, n) => withPayload({ id: `kind-${n}` }, { ...payload, ...times })));
    for (const [n, payload] of KINDS.entries()) {
      const view = await seen(`kind-${n}`);
      expect(view).toMatchObject({
        ...times,
        metrics: { input_token_count: 1000 },
        payload: { state: "kept" },
      });
      for (const name of ["input", "output", "logs", "error"])
        expect(view[name]).toEqual(payload[name] ?? null);
    }
    await api.send(usageEvent({ id: "bare" }));
    expect(await seen("bare")).toMatchObject({ payload: { state: "none", expires_at: null }, input: null });
  });

  test("is cut with its size and hash when it is too large, and metered all the same", async () => {
    const text = "x".repeat(70_000);
    const many = Array.from({ length: 60_000 }, (_, n) => n);
    await api.send(withPayload({ id: "large" }, { input: { text, short: "y" }, output: many }));
    const view = await seen("large");
    expect(view.input).toMatchObject({
      short: "y",
      text: { $cut: { bytes: 70_000, sha256: expect.any(String) } },
    });
    expect(view.output).toMatchObject({ $cut: { bytes: JSON.stringify(many).length } });
    expect(view).toMatchObject({ state: "metered", gross: { amount: "1.000000000" } });
  });

  test("is cut where it is nested deeper than anybody reads, and metered all the same", async () => {
    const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
    const event = JSON.stringify(withPayload({ id: "deep" }, { input: "deep", output: "flat" }));
    const body = event.replace('"input":"deep"', `"input":${nested(100_000)}`);
    const type = { "Content-Type": "application/cloudevents+json" };
    expect((await api.operator("POST", "/v1/events", body, type)).body).toMatchObject({ accepted: 1 });
    await api.send();
    const view = await seen("deep");
    expect(JSON.stringify(view.input)).toContain("[nested too deeply]");
    expect([view.output, view.state]).toEqual(["flat", "metered"]);
  });

  test("need not have everything: an output alone, half a surrogate in it, is kept", async () => {
    const event = JSON.stringify(withPayload({ id: "alone" }, { output: "half" }));
    const type = { "Content-Type": "application/cloudevents+json" };
    const body = event.replace('"half"', '"half \\ud800\\u0000"');
    expect((await api.operator("POST", "/v1/events", body, type)).status).toBe(202);
    await api.send();
    expect((await seen("alone")).output).toMatch(/^half/);
  });

  test("is kept once however often it is sent, and of a conflict the one that counts is shown", async () => {
    const first = withPayload({ id: "again" }, { input: "first" });
    await api.send(first, first);
    const before = await stored();
    await api.send(first, withPayload({ id: "again" }, { input: "changed later" }));
    await api.send(withPayload({ id: "again", metrics: { input_token_count: 7 } }, { input: "in conflict" }));
    const after = await stored();
    expect(after.bodies).toBe(before.bodies + 1);
    expect(after.refs).toBe(after.bodies);
    expect(await seen("again")).toMatchObject({ input: "first" });
  });

  test("is not readable in the database, nor under another customer's or event's name", async () => {
    await api.send(withPayload({ id: "sealed" }, { input: "a very private sentence" }));
    const rows = await api.sql<{ row: string }[]>`SELECT t::text AS row FROM prediction_payload t`;
    const hex = Buffer.from("a very private sentence").toString("hex");
    expect(rows.some(({ row }) => row.includes(hex))).toBe(false);
    await api.sql`
      UPDATE prediction_payload SET body = (SELECT body FROM prediction_payload p JOIN payload_ref r USING (identity, content)
        ORDER BY r.stored_at LIMIT 1)
      WHERE (identity, content) = (SELECT identity, content FROM payload_ref ORDER BY stored_at DESC LIMIT 1)`;
    expectProblem(await api.operator("GET", "/v1/predictions/sealed"), 500, "internal_error");
  });

  test("is the customer's, and creators read it only when the customer lets them", async () => {
    await api.send(withPayload({ id: "mine" }, { input: "mine alone" }));
    expect(await seen("mine", acme)).toMatchObject({ input: "mine alone", earnings: [] });
    expectProblem(await globex("GET", "/v1/predictions/mine"), 404, "not_found");
    expect(await seen("mine", ada)).toMatchObject({ input: null, payload: { state: "private" } });
    await acme("PUT", "/v1/customers/acme/retention", { creators_read: true });
    expect(await seen("mine", ada)).toMatchObject({ input: "mine alone", customer: null });
    await acme("PUT", "/v1/customers/acme/retention", { creators_read: false });
    expect(await seen("mine", ada)).toMatchObject({ input: null });
  });
});

describe("a public link", () => {
  test("shows the prediction without a key, not who paid or earned, until it is taken back", async () => {
    await api.send(withPayload({ id: "shown" }, { input: "look", output: ["here"] }));
    const made = await acme("POST", "/v1/predictions/shown/shares");
    expect(made.status).toBe(201);
    const { id, url } = made.body as { id: string; url: string };
    const anybody = api.as(null);
    const { status, body } = await anybody("GET", new URL(url).pathname);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: "shown", input: "look", output: ["here"], model: "ada/llm" });
    expect(JSON.stringify(body)).not.toMatch(/acme|gross|earn|2\.0000/);
    expect((await acme("GET", "/v1/predictions/shown/shares")).body).toMatchObject({ data: [{ id }] });
    expectProblem(await globex("DELETE", `/v1/predictions/shown/shares/${id}`), 404, "not_found");
    expect((await acme("DELETE", `/v1/predictions/shown/shares/${id}`)).status).toBe(204);
    expectProblem(await anybody("GET", new URL(url).pathname), 404, "not_found");
    expectProblem(await anybody("GET", `/v1/shared/${"A".repeat(32)}`), 404, "not_found");
  });

  test("leads nowhere after its time", async () => {
    const made = await acme("POST", "/v1/predictions/shown/shares", { expires_at: "2024-01-01T00:00:00Z" });
    expectProblem(
      await api.as(null)("GET", new URL((made.body as { url: string }).url).pathname),
      404,
      "not_found",
    );
  });
});

/** The files in which a table's rows lie. */
async function filesOf(table: string): Promise<string[]> {
  await api.sql`CHECKPOINT`;
  const [row] = await api.sql<[{ folder: string; files: string[] }]>`
    SELECT current_setting('data_directory') AS folder, array_remove(ARRAY[pg_relation_filepath(c.oid),
      CASE WHEN c.reltoastrelid <> 0 THEN pg_relation_filepath(c.reltoastrelid) END], NULL) AS files
    FROM pg_class c WHERE c.oid = ${table}::regclass`;
  return row.files.map((file) => join(row.folder, file));
}
const hold = (paths: string[], bytes: Buffer) =>
  paths.some((path) => existsSync(path) && readFileSync(path).includes(bytes));

/** As if everything of this customer had been kept until yesterday. */
async function letExpire(customer: string): Promise<void> {
  await api.sql`
    SELECT move_payloads(array_agg(identity), array_agg(content), array_agg(now() - interval '1 day'),
      array_agg(current_date - 1)) FROM payload_ref WHERE customer = ${customer}`;
}

describe("after its time", () => {
  test("a payload is not shown, and its bytes are in no file after the next sweep", async () => {
    await api.send(withPayload({ id: "old", customer: "globex" }, { input: "z".repeat(3_000) }));
    await letExpire("globex");
    expect(await seen("old")).toMatchObject({ payload: { state: "none" }, input: null, state: "metered" });
    const [{ body, day }] = await api.sql<[{ body: Buffer; day: string }]>`
      SELECT body, payload_table(expires_on) AS day FROM prediction_payload WHERE customer = 'globex'`;
    const files = await filesOf(`payload.${day}`);
    expect(hold(files, body.subarray(0, 40))).toBe(true);
    const progress = await sweepPayloads(api.sql, keys);
    expect(progress).toMatchObject({ expired: 1, days: 1 });
    expect(files.filter((path) => existsSync(path) && statSync(path).size > 0)).toEqual([]);
    expect(await api.sql`SELECT FROM prediction_payload WHERE customer = 'globex'`).toHaveLength(0);
    expect(await sweepPayloads(api.sql, keys)).toMatchObject({ moved: 0, expired: 0, days: 0 });
  });

  test("a payload under a legal hold stays and is shown, and goes when the hold ends", async () => {
    await api.send(withPayload({ id: "held", customer: "globex" }, { input: "evidence" }));
    await api.operator("PUT", "/v1/customers/globex/retention", { hold: true });
    await letExpire("globex");
    await sweepPayloads(api.sql, keys);
    expect(await seen("held")).toMatchObject({
      input: "evidence",
      payload: { state: "kept", expires_at: null },
    });
    expectProblem(
      await globex("PUT", "/v1/customers/globex/retention", { hold: false }),
      403,
      "role_not_allowed",
    );
    expectProblem(await globex("DELETE", "/v1/customers/globex/data"), 409, "legal_hold");
    await api.operator("PUT", "/v1/customers/globex/retention", { hold: false });
    await sweepPayloads(api.sql, keys);
    expect(await seen("held")).toMatchObject({ input: null, payload: { state: "none" } });
  });

  test("the shorter of customer's and model's time holds, at once for what is kept already; 0 keeps nothing", async () => {
    const daysLeft = async () => {
      const { payload } = (await seen("timed")) as { payload: { expires_at: string } };
      return Math.round((Date.parse(payload.expires_at) - Date.now()) / 86_400_000);
    };
    await api.send(withPayload({ id: "timed" }, { input: "for a while" }));
    expect(await daysLeft()).toBe(30);
    await acme("PUT", "/v1/customers/acme/retention", { days: 20 });
    await ada("PUT", "/v1/models/ada/llm/retention", { days: 5 });
    await sweepPayloads(api.sql, keys);
    expect(await daysLeft()).toBe(5);
    await ada("PUT", "/v1/models/ada/llm/retention", { days: 300 });
    const shown = (await acme("POST", "/v1/predictions/timed/shares")).body as { url: string };
    await acme("PUT", "/v1/customers/acme/retention", { days: 0 });
    expect(await seen("timed")).toMatchObject({ input: null, payload: { state: "none" } });
    const { body } = await api.as(null)("GET", new URL(shown.url).pathname);
    expect(JSON.stringify(body)).not.toContain("for a while");
    await sweepPayloads(api.sql, keys);
    expect(await seen("timed")).toMatchObject({ payload: { state: "none" } });
    const before = await stored();
    await api.send(withPayload({ id: "never" }, { input: "never kept" }));
    expect(await stored()).toEqual(before);
    await acme("PUT", "/v1/customers/acme/retention", { days: null });
  });

  test("a rule that is set while payloads are stored waits for them, and holds for those that come after", async () => {
    await acme("PUT", "/v1/customers/acme/retention", { days: 30 });
    const storing = (sql: TransactionSql, identity: string) => sql`
      SELECT store_payloads(ARRAY[${identity}::text::uuid], ARRAY[1::bigint], ARRAY['acme'], ARRAY['ada/llm'],
        ARRAY(SELECT max(key_no) FROM payload_key WHERE customer = 'acme' AND wrapped IS NOT NULL), ARRAY[30], ARRAY['\\x00'::bytea])`;
    const [first, second] = [crypto.randomUUID(), crypto.randomUUID()];
    let done = false;
    const setting = await api.sql.begin(async (sql) => {
      await storing(sql, first);
      const put = acme("PUT", "/v1/customers/acme/retention", { days: 0 }).finally(() => {
        done = true;
      });
      await until(async () => {
        const waiting =
          await api.sql`SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7028 AND NOT granted`;
        return waiting.length > 0 || done;
      });
      expect(done).toBe(false);
      return { put };
    });
    expect((await setting.put).status).toBe(200);
    await api.sql.begin((sql) => storing(sql, second));
    const known = await api.sql`SELECT FROM payload_ref WHERE identity = ${second}`;
    expect(known).toHaveLength(0);
    await sweepPayloads(api.sql, keys);
    const [row] = await api.sql<{ due: boolean }[]>`
      SELECT expires_at <= now() AS due FROM payload_ref WHERE identity = ${first}`;
    expect(row?.due).toBe(true);
    await api.sql`DELETE FROM prediction_payload WHERE identity = ${first}`;
    await api.sql`DELETE FROM payload_ref WHERE identity = ${first}`;
    await acme("PUT", "/v1/customers/acme/retention", { days: null });
  });
});

describe("erasing a customer", () => {
  test("shreds its keys, off the disk too; payloads, feedback and links are gone, and money facts stay", async () => {
    await api.send(withPayload({ id: "gone" }, { input: "forget me" }));
    await acme("PUT", "/v1/predictions/gone/feedback", { thumb: "up", text: "lovely" });
    const link = (await acme("POST", "/v1/predictions/gone/shares")).body as { url: string };
    const [{ wrapped }] = await api.sql<[{ wrapped: Buffer }]>`
      SELECT wrapped FROM payload_key WHERE customer = 'acme' AND wrapped IS NOT NULL`;
    expect(hold(await filesOf("payload_key"), wrapped)).toBe(true);
    const { gross } = await seen("gone");

    const { status, body } = await acme("DELETE", "/v1/customers/acme/data");
    expect(status).toBe(200);
    expect(body).toMatchObject({ customer: "acme", removed: { keys: 1, feedback: 1, shares: 3 } });
    const whatStays = (body as { kept: { what: string }[] }).kept.map(({ what }) => what);
    expect(whatStays).toEqual(
      expect.arrayContaining([expect.stringMatching(/^dead letters/), "the usage log"]),
    );
    await sweepPayloads(api.sql, keys);
    expect(await api.sql`SELECT FROM payload_rewrite`).toHaveLength(0);
    expect(hold(await filesOf("payload_key"), wrapped)).toBe(false);

    expect(await seen("gone")).toMatchObject({
      payload: { state: "none" },
      input: null,
      feedback: [],
      gross,
    });
    expectProblem(await api.as(null)("GET", new URL(link.url).pathname), 404, "not_found");
    expect(await api.sql`SELECT FROM payload_ref WHERE customer = 'acme'`).toHaveLength(0);

    await api.send(withPayload({ id: "anew" }, { input: "a new beginning" }));
    expect(await seen("anew")).toMatchObject({ input: "a new beginning" });
    expect((await acme("DELETE", "/v1/customers/acme/data")).body).toMatchObject({
      removed: { keys: 1, payloads: 1 },
    });
  });
});

test("the first payloads of a day may come together", async () => {
  const day = "2031-01-05";
  await Promise.all(
    Array.from({ length: 8 }, () => api.sql.begin((sql) => sql`SELECT make_payload_day(${day}::text::date)`)),
  );
  const made = await api.sql`SELECT FROM pg_class WHERE relname = 'day_20310105'`;
  expect(made).toHaveLength(1);
});

test("a new master key wraps every data key anew, and then the old one is not needed", async () => {
  await api.send(withPayload({ id: "rotated" }, { input: "still there" }));
  const next = masterKey(newDataKey());
  const both = new DataKeys(api.sql, [next, masterKey(MASTER)]);
  expect((await sweepPayloads(api.sql, both)).rewrapped).toBeGreaterThan(0);
  const [{ key_no }] = await api.sql<[{ key_no: number }]>`
    SELECT key_no FROM payload_key WHERE customer = 'acme' AND wrapped IS NOT NULL`;
  expect(await new DataKeys(api.sql, [next]).find("acme", key_no)).toHaveLength(32);
  await expect(new DataKeys(api.sql, [masterKey(MASTER)]).find("acme", key_no)).rejects.toThrow(/MASTER_KEY/);
});
