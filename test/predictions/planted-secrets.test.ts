import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { until } from "../support/until.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

const KEY = "operator-key-of-the-tests-32-characters";

/** Each planted in its own way; none of them is any other text's part. */
const PLANTED = {
  declared: "quokka/Zebra+4471 ü",
  named: "walnut-Header-8823",
  header: "marmot-Bearer-5519",
  looks: "sk-proj-9QxPlanted7731",
  replicate: "r8_9QxPlanted7731abc",
  argument: "gerbil-Argument-3307",
  example: "ocelot-Default-1187",
  feedback: "hf_9QxPlanted7731def",
  broken: "ferret-Broken-6640",
  url: "tapir-Signature-2219",
};

const SCHEMA = {
  type: "object",
  properties: {
    api_base: { type: "string", "x-cog-secret": true, format: "password", default: PLANTED.example },
  },
};

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    bytes.toString("hex"),
    bytes.toString("base64").replace(/=+$/, ""),
  ];
}

const said = (secret: string) => formsOf(secret).map((form) => `got ${form} here`);

/** A prediction with secrets in every place that takes anything. */
function payload() {
  const { declared, named, header, looks, argument, url } = PLANTED;
  const call = { function: { name: "f", arguments: JSON.stringify({ client_secret: argument }) } };
  const everywhere = [declared, named, header, looks, argument, url].flatMap(said);
  return {
    input: {
      api_base: declared,
      openai_api_key: named,
      headers: { Authorization: `Bearer ${header}` },
      messages: [
        { role: "user", content: `use ${looks}` },
        { role: "assistant", tool_calls: [call] },
      ],
      file: `https://files.example.com/x.png?X-Amz-Signature=${url}`,
      [`about ${looks}`]: everywhere,
    },
    output: [...declared, ...everywhere],
    logs: everywhere.join("\n"),
    error: { detail: everywhere, [declared]: 1 },
    hardware: `gpu ${looks}`,
    created_at: looks,
    traceparent: looks,
    metrics: { input_token_count: 1000, [PLANTED.replicate]: 5, note: named },
  };
}

function found(where: string, bytes: Buffer | string): string[] {
  const haystack = Buffer.from(bytes);
  return Object.entries(PLANTED).flatMap(([name, secret]) =>
    formsOf(secret).some((form) => haystack.includes(form)) ? [`${name} in ${where}`] : [],
  );
}

/** What a producer sends, over every door; answers what was answered. */
async function sendEverything(call: Call): Promise<string[]> {
  const answers: string[] = [];
  const ask: Call = async (...asked) => {
    const answer = await call(...asked);
    answers.push(JSON.stringify(answer.body ?? null));
    return answer;
  };
  const batch = { "Content-Type": "application/cloudevents-batch+json" };
  await ask("PUT", "/v1/models/ada/llm/versions/v1", { input_schema: SCHEMA });
  const good = usageEvent({ id: "p1", version: "v1" });
  const bad = usageEvent({ id: "p2", time: `yesterday ${PLANTED.looks}` });
  const { metrics, ...rest } = payload();
  const events = [
    { ...good, traceparent: PLANTED.looks, data: { ...good.data, ...rest, metrics } },
    { ...good, id: "p3", subject: "newcomer", data: { ...good.data, ...rest } },
    { ...bad, data: { ...bad.data, ...rest } },
    {
      ...usageEvent({ id: "p4" }),
      data: { ...good.data, ...rest, metrics: { predict_time: -1, ...metrics } },
    },
  ];
  const sent = await ask("POST", "/v1/events", JSON.stringify(events), batch);
  expect(sent.body).toMatchObject({ accepted: 2 });
  await ask("POST", "/v1/events", `{"data":{"input":{"password":"${PLANTED.broken}"`, batch);
  await ask("POST", "/v1/events", `password=${PLANTED.broken}`, { "Content-Type": "text/plain" });
  const replicate = { ...rest, id: "r1", model: "ada/llm", version: "v1", status: "succeeded", metrics };
  await ask("POST", "/v1/ingest/replicate?customer=acme", {
    ...replicate,
    created_at: "2023-11-16T12:00:00Z",
  });
  await ask("POST", "/v1/ingest/replicate?customer=acme", { ...replicate, status: PLANTED.looks });
  await until(async () => {
    const { body } = await call("GET", "/v1/metering/status");
    return (body as { lag: number }).lag === 0;
  });
  const text = `it cost me ${PLANTED.feedback}`;
  await ask("PUT", "/v1/predictions/p1/feedback?author=eve", {
    thumb: "down",
    labels: [PLANTED.looks],
    text,
  });
  const shared = await ask("POST", "/v1/predictions/p1/shares");
  const link = new URL((shared.body as { url: string }).url).pathname;
  for (const path of ["/v1/predictions/p1", "/v1/predictions/p3", "/v1/predictions/r1", link, "/v1/feedback"])
    expect(await ask("GET", path), path).toMatchObject({ status: 200 });
  await ask("GET", "/v1/models/ada/llm/versions/v1");
  await ask("GET", "/v1/dead-letters");
  return answers;
}

describe("secrets that are planted in every place, over HTTP", () => {
  let folder: string;
  let service: ChildProcess;
  let answers: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tributary-planted-"));
    const log = openSync(join(folder, "service.log"), "a");
    service = spawn(process.execPath, ["scripts/start.ts"], {
      cwd: resolve(import.meta.dirname, "../.."),
      env: {
        ...process.env,
        KAFKA_BROKERS: "",
        DATABASE_URL: "",
        DATA_DIR: folder,
        PORT: "0",
        STRIPE_SIMULATOR_PORT: "0",
        OPERATOR_KEY: KEY,
        LOG_LEVEL: "trace",
      },
      stdio: ["ignore", log, log],
    });
    const address = () => /answers at (\S+)/.exec(readFileSync(join(folder, "service.log"), "utf8"))?.[1];
    await until(() => address() !== undefined, 150_000);
    const call: Call = async (method, path, body, headers = {}) => {
      const response = await fetch(`${address()}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${KEY}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return {
        status: response.status,
        body: text === "" ? undefined : JSON.parse(text),
        headers: response.headers,
      };
    };
    await call("POST", "/v1/catalog/import", SMALL_CATALOG);
    answers = await sendEverything(call);
    service.kill("SIGTERM");
    await once(service, "exit");
  }, 240_000);
  afterAll(async () => {
    if (service?.exitCode === null) service.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });

  test("stand in no answer", () => {
    expect(answers.join("\n")).toContain("[redacted]");
    expect(answers.flatMap((answer, n) => found(`answer ${n}`, answer))).toEqual([]);
  });

  test("stand in no file: not in tables, their write-ahead log, the usage log, or a log line", () => {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .map((name) => join(folder, name))
      .filter((path) => statSync(path).isFile());
    expect(files.some((path) => path.includes("pg_wal"))).toBe(true);
    expect(files.some((path) => readFileSync(path).includes("//predictor/eu-1"))).toBe(true);
    expect(files.flatMap((path) => found(path, readFileSync(path)))).toEqual([]);
  });
});

describe("secrets that a producer wrote into the log itself", () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
    await api.load(SMALL_CATALOG);
    const { metrics, ...rest } = payload();
    const event = usageEvent({ id: "direct" });
    const records = [
      JSON.stringify({ ...event, data: { ...event.data, ...rest } }),
      JSON.stringify([
        { ...event, id: "second", time: PLANTED.looks, data: { ...event.data, ...rest, metrics } },
      ]),
      JSON.stringify({ ...event, data: { ...event.data, ...rest, metrics: { input_token_count: 9 } } }),
      `{"data":{"secret":"${PLANTED.broken}","input":{"api_base":"${PLANTED.declared}`,
    ];
    for (const record of records)
      await api.sql`SELECT append_usage_records(0, ARRAY[${Buffer.from(record)}::bytea])`;
    await api.metered();
  });
  afterAll(() => api.stop());

  test("go no further than the log: the event is metered, and dead letters keep neither payloads nor secrets", async () => {
    const { body } = await api.operator("GET", "/v1/metering/status");
    expect(body).toMatchObject({ applied: "1", conflict: "1", dead: "2" });
    const tables = await api.sql<{ name: string }[]>`
      SELECT table_schema || '.' || table_name AS name FROM information_schema.tables
      WHERE table_schema IN ('public', 'payload') AND table_type = 'BASE TABLE' AND table_name <> 'usage_log_record'`;
    const leaks: string[] = [];
    for (const { name } of tables) {
      const rows = await api.sql.unsafe(`SELECT t::text AS row FROM ${name} t`);
      for (const { row } of rows) leaks.push(...found(name, row));
    }
    const letters = await api.operator("GET", "/v1/dead-letters");
    const { data } = letters.body as { data: { raw_base64: string; message: string }[] };
    expect(data).toHaveLength(3);
    for (const { raw_base64, message } of data)
      leaks.push(
        ...found("a dead letter", Buffer.from(raw_base64, "base64")),
        ...found("a message", message),
      );
    expect(leaks).toEqual([]);
  });
});
