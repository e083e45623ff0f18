import { setTimeout as pause } from "node:timers/promises";
import { openSession } from "../../src/access/index.ts";
import { startApi } from "../../src/processes/api.ts";
import { readConfig } from "../../src/processes/config.ts";
import { createLogger } from "../../src/processes/logger.ts";
import { wire } from "../../src/processes/wire.ts";
import { startWorkers } from "../../src/processes/workers.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { startStripeSimulator } from "./stripe-simulator.ts";

export const OPERATOR_KEY = "operator-key-of-the-tests-32-characters";

export interface Answer {
  status: number;
  /** Parsed when it is JSON, the text otherwise; undefined when there is none. */
  body: unknown;
  headers: Headers;
}

/** A body that is text or bytes is sent as it is; anything else as JSON. */
export type Call = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>;

export interface TestApi {
  url: string;
  /** Where the Stripe simulator answers. */
  simulator: string;
  sql: TestDatabase["sql"];
  operator: Call;
  /** Calls with this key; null for none at all. */
  as(key: string | null): Call;
  /** Makes a key and calls with it. */
  keyFor(key: { role: string; payee?: string; customer?: string; sources?: string[] }): Promise<Call>;
  /** Signs in another person of the operator's, maker and approver. */
  secondOperator(): Promise<Call>;
  /** Imports a document of the catalogue. */
  load(document: unknown): Promise<void>;
  /** Sends events and waits until all of the log is metered. */
  send(...events: unknown[]): Promise<void>;
  metered(): Promise<void>;
  stop(): Promise<void>;
}

/** The product as `npm start` builds it, on a database, a simulator and a port of its own. */
export async function startTestApi(settings: Record<string, string> = {}): Promise<TestApi> {
  const [database, simulator] = await Promise.all([createTestDatabase(), startStripeSimulator()]);
  const config = readConfig({
    PORT: "0",
    DATABASE_URL: database.url,
    STRIPE_API_BASE: simulator.url,
    OPERATOR_KEY,
    LOG_LEVEL: "silent",
    ACCRUAL_INTERVAL_MS: "200",
    ...settings,
  });
  const tributary = await wire(config, createLogger(config.LOG_LEVEL), "test");
  const stopWorkers = await startWorkers(tributary);
  const { url, stop: stopApi } = await startApi(tributary);

  const as = (key: string | null): Call => caller(url, key);
  const operator = as(OPERATOR_KEY);

  async function metered(): Promise<void> {
    for (;;) {
      const { body } = await operator("GET", "/v1/metering/status");
      if ((body as { lag: number }).lag === 0) return;
      await pause(20);
    }
  }

  return {
    url,
    simulator: simulator.url,
    sql: database.sql,
    operator,
    as,
    async keyFor(key) {
      const { secret } = (await expectStatus(operator("POST", "/v1/keys", key), 201)) as { secret: string };
      return as(secret);
    },
    async secondOperator() {
      const [user, email] = ["second", "second@example.com"];
      const terms = { email, role: "operator", duties: ["maker", "approver"] };
      await expectStatus(operator("PUT", `/v1/users/${user}`, terms), 200);
      const { token } = await openSession(database.sql, { user, provenEmail: email }, undefined);
      const browser = { Cookie: `tributary_session=${token}`, Origin: url };
      return (method, path, body, headers) => as(null)(method, path, body, { ...browser, ...headers });
    },
    async load(document) {
      await expectStatus(operator("POST", "/v1/catalog/import", document), 201);
    },
    async send(...events) {
      const batch = { "Content-Type": "application/cloudevents-batch+json" };
      const body = await expectStatus(operator("POST", "/v1/events", JSON.stringify(events), batch), 202);
      const { rejected } = body as { rejected: unknown[] };
      if (rejected.length > 0) throw new Error(`rejected: ${JSON.stringify(rejected)}`);
      await metered();
    },
    metered,
    async stop() {
      await stopApi();
      await stopWorkers();
      await tributary.close();
      await simulator.kill("SIGTERM");
      await database.drop();
    },
  };
}

async function expectStatus(call: Promise<Answer>, status: number): Promise<unknown> {
  const answer = await call;
  if (answer.status !== status) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

function caller(url: string, key: string | null): Call {
  return async (method, path, body, headers = {}) => {
    const raw = typeof body === "string" || body instanceof Uint8Array;
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: raw ? (body as string | Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /\bjson\b|\+json/.test(response.headers.get("content-type") ?? "");
    return {
      status: response.status,
      body: text === "" ? undefined : isJson ? JSON.parse(text) : text,
      headers: response.headers,
    };
  };
}
