import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deliverDue } from "../../src/notifications/index.ts";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { until } from "../support/until.ts";
import { SMALL_CATALOG, tokenPrice, usageEvent } from "../support/usage.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

const HOSTS = new Set(["127.0.0.1"]);
let api: TestApi;
let receiver: Receiver;
let ada: Call;

beforeAll(async () => {
  receiver = await startReceiver();
  api = await startTestApi({ WEBHOOK_ALLOWED_HOSTS: "127.0.0.1", WEBHOOK_INTERVAL_MS: "50" });
  await api.load(SMALL_CATALOG);
  ada = await api.keyFor({ role: "payee", payee: "ada" });
});
afterAll(async () => {
  await api.stop();
  await receiver.stop();
});

interface Endpoint {
  id: string;
  secret: string;
  path: string;
}

let made = 0;
async function endpoint(call: Call, more: object = {}): Promise<Endpoint> {
  const path = `/${++made}`;
  const answer = await call("POST", "/v1/webhook-endpoints", { url: receiver.url + path, ...more });
  expect(answer).toMatchObject({ status: 201, body: { secret: expect.stringMatching(/^whsec_/) } });
  return { ...(answer.body as Endpoint), path };
}

const messages = ({ path, secret }: Endpoint) => receiver.verified(path, secret);
const pending = async ({ id }: Endpoint) =>
  (
    await api.sql`SELECT FROM webhook_delivery WHERE endpoint_id = ${id} AND state = 'pending' AND next_attempt_at < 'infinity'`
  ).length;
const drained = (one: Endpoint) => until(async () => (await pending(one)) === 0);

async function adjust(key: string, nanos: bigint): Promise<void> {
  await api.sql`SELECT post_entry(${`adjustment:${key}`}, 'adjustment', 'USD', (SELECT greatest(first_open_period, '2023-11-01') FROM books_state),
    ${api.sql.json({ reason: key })}, ARRAY['platform:revenue', 'payee:ada:payable'], ARRAY[${`${nanos}`}::numeric, ${`${-nanos}`}::numeric])`;
}

interface Delivery {
  message: string;
  state: string;
  attempts: { status: number | null; error: string | null }[];
}
async function log({ id }: Endpoint): Promise<Delivery[]> {
  return ((await ada("GET", `/v1/webhook-endpoints/${id}/deliveries`)).body as { data: Delivery[] }).data;
}

async function expectOperatorsOnly({ id }: Endpoint): Promise<void> {
  const acme = await api.keyFor({ role: "customer", customer: "acme" });
  const url = `${receiver.url}/nobody`;
  for (const call of [ada, acme]) {
    expectProblem(await call("GET", `/v1/webhook-endpoints/${id}`), 404, "not_found");
    expectProblem(await call("DELETE", `/v1/webhook-endpoints/${id}`), 404, "not_found");
    expectProblem(
      await call("POST", "/v1/webhook-endpoints", { url, everybody: true }),
      403,
      "role_not_allowed",
    );
    expect(JSON.stringify((await call("GET", "/v1/webhook-endpoints")).body)).not.toContain(id);
  }
  for (const wrong of [{ everybody: true, payee: "ada" }, {}])
    expectProblem(
      await api.operator("POST", "/v1/webhook-endpoints", { url, ...wrong }),
      400,
      "parameter_invalid",
    );
  expect(
    await api.operator("POST", `/v1/webhook-endpoints/${id}/replay`, { since: "2020-01-01T00:00:00Z" }),
  ).toMatchObject({
    status: 202,
    body: { replayed: expect.any(Number) },
  });
  expect((await api.operator("DELETE", `/v1/webhook-endpoints/${id}`)).status).toBe(204);
}

describe("what is told", () => {
  test("is each fact of a month, once, to those it concerns, signed as the official library has it", async () => {
    const all = await endpoint(ada);
    const paid = await endpoint(ada, { events: ["payout.paid"] });
    const lins = await endpoint(api.operator, { payee: "lin" });
    const everybody = await endpoint(api.operator, { everybody: true });
    await api.send(usageEvent({ id: "a", metrics: { input_token_count: 100_000 } }));
    await api.operator("POST", "/v1/models/ada/llm/prices", {
      currency: "CHF",
      effective_from: "2024-01-01T00:00:00Z",
      components: tokenPrice("ada/llm").components,
    });
    await api.operator("POST", "/v1/models/ada/llm/policies", {
      effective_from: "2030-01-01T00:00:00Z",
      steps: [{ take: "shares", shares: [{ payee: "lin", weight: 1 }] }],
    });
    await adjust("one", 2_500_000_001n);
    for (const step of ["close", "plan", "approve", "pay"])
      expect(await api.operator("POST", `/v1/settlements/2023-11/${step}`)).toMatchObject({ status: 200 });
    await Promise.all([all, paid, lins, everybody].map(drained));

    const told = messages(all).map(({ type, data }) => [type, data.payee]);
    expect(told.map(([type]) => type).sort()).toEqual([
      "earning.adjusted",
      "payout.approved",
      "payout.paid",
      "payout.sent",
      "policy.changed",
      "price.changed",
      "statement.finalized",
    ]);
    expect(new Set(told.map(([, payee]) => payee))).toEqual(new Set(["ada"]));
    expect(messages(paid).map(({ type }) => type)).toEqual(["payout.paid"]);
    expect(
      messages(lins)
        .map(({ type }) => type)
        .sort(),
    ).toEqual(["policy.changed", "statement.finalized"]);
    const ofEverybody = (payee: string) => messages(everybody).filter(({ data }) => data.payee === payee);
    expect(new Set(ofEverybody("ada"))).toEqual(new Set(messages(all)));
    expect(new Set(ofEverybody("lin"))).toEqual(new Set(messages(lins)));
    await expectOperatorsOnly(everybody);
    const of = (type: string) => messages(all).find((message) => message.type === type)?.data;
    const { body } = await ada("GET", "/v1/payees/ada/statements/2023-11?currency=USD");
    const { hash, closing, earned } = body as Record<string, unknown>;
    expect(of("statement.finalized")).toMatchObject({ hash, closing, earned, period: "2023-11" });
    expect(of("earning.adjusted")).toMatchObject({
      amount: { currency: "USD", amount: "2.500000001" },
      reason: "one",
    });
    expect(of("payout.paid")).toMatchObject({ transfer_id: expect.stringMatching(/^tr_/), state: "paid" });
  });

  test("is nothing of what was rolled back", async () => {
    const one = await endpoint(ada);
    const failing = api.sql.begin(async (tx) => {
      await tx`SELECT post_entry('adjustment:gone', 'adjustment', 'USD', (SELECT greatest(first_open_period, '2023-11-01') FROM books_state), '{}',
        ARRAY['platform:revenue', 'payee:ada:payable'], ARRAY[1, -1]::numeric[])`;
      throw new Error("the process died");
    });
    await expect(failing).rejects.toThrow("the process died");
    await adjust("kept", 1n);
    await drained(one);
    expect(messages(one).map(({ data }) => data.reason)).toEqual(["kept"]);
  });

  test("is that an account needs something, when that begins and when it changes", async () => {
    const one = await endpoint(ada);
    const account = async (enabled: boolean, reason: string | null) =>
      api.sql`UPDATE payout_account SET transfers_enabled = ${enabled}, disabled_reason = ${reason}
        WHERE account = (SELECT stripe_account FROM payee WHERE id = 'ada')`;
    await account(true, null);
    for (const reason of ["requirements.past_due", "requirements.past_due", "rejected.other"])
      await account(false, reason);
    await account(true, null);
    await drained(one);
    expect(messages(one).map(({ type, data }) => [type, data.reason])).toEqual([
      ["account.action_required", "requirements.past_due"],
      ["account.action_required", "rejected.other"],
    ]);
  });
});

describe("a delivery", () => {
  test("that fails is made again later under the same id, and the log says what came of each attempt", async () => {
    const one = await endpoint(ada);
    receiver.answer((response) => response.writeHead(500).end());
    await adjust("retried", 5n);
    await until(async () => (await log(one))[0]?.attempts.length === 1);
    const [row] = await api.sql`
      SELECT next_attempt_at - now() BETWEEN interval '3 seconds' AND interval '6 seconds' AS soon FROM webhook_delivery
      WHERE endpoint_id = ${one.id}`;
    expect(row?.soon).toBe(true);
    receiver.answer((response) => response.writeHead(204).end());
    await api.sql`UPDATE webhook_delivery SET next_attempt_at = now() WHERE endpoint_id = ${one.id}`;
    await drained(one);
    expect(new Set(messages(one).map(({ id }) => id)).size).toBe(1);
    expect(await log(one)).toMatchObject([
      { state: "delivered", attempts: [{ status: 500 }, { status: 204 }] },
    ]);
  });

  test("whose sender died in the middle is made again when the lease is over, not before", async () => {
    const one = await endpoint(ada);
    // As a sender that was killed after it had claimed: the attempt is begun, and nothing else.
    await api.sql.begin(async (tx) => {
      await tx`LOCK TABLE webhook_delivery IN EXCLUSIVE MODE`;
      await tx`SELECT post_entry('adjustment:killed', 'adjustment', 'USD', (SELECT greatest(first_open_period, '2023-11-01') FROM books_state), '{}',
        ARRAY['platform:revenue', 'payee:ada:payable'], ARRAY[7, -7]::numeric[])`;
      await tx`SET CONSTRAINTS ALL IMMEDIATE`;
      const claimed = await tx`SELECT * FROM claim_deliveries(100, 100, interval '60 seconds')`;
      expect(claimed.map((row) => row.attempt)).toContain(1);
    });
    expect(await deliverDue(api.sql, HOSTS)).toBe(0);
    expect(messages(one)).toEqual([]);
    await api.sql`UPDATE webhook_delivery SET next_attempt_at = now() WHERE endpoint_id = ${one.id}`;
    await drained(one);
    expect(messages(one).map(({ data }) => data.entry)).toEqual(["adjustment:killed"]);
  });

  test("to an endpoint that answers 410 ends it; what comes meanwhile waits until it is enabled", async () => {
    const one = await endpoint(ada, { events: ["earning.adjusted"] });
    receiver.answer((response) => response.writeHead(410).end());
    await adjust("gone 1", 1n);
    await until(
      async () =>
        (await api.sql`SELECT FROM webhook_endpoint WHERE id = ${one.id} AND disabled_at IS NOT NULL`)
          .length > 0,
    );
    receiver.answer((response) => response.writeHead(204).end());
    await adjust("gone 2", 1n);
    const { body } = await ada("GET", `/v1/webhook-endpoints/${one.id}`);
    expect(body).toMatchObject({ disabled_reason: "it answered 410 Gone" });
    const replay = await ada("POST", `/v1/webhook-endpoints/${one.id}/replay`, {
      since: "2023-01-01T00:00:00Z",
    });
    expectProblem(replay, 409, "endpoint_disabled");
    const before = messages(one).length;
    expect((await ada("POST", `/v1/webhook-endpoints/${one.id}/enable`)).body).toEqual({ ok: true });
    await drained(one);
    expect(
      messages(one)
        .slice(before)
        .map(({ data }) => data.reason)
        .sort(),
    ).toEqual(["gone 1", "gone 2"]);
  });

  test("that failed for days disables its endpoint, and the payee's others hear of it", async () => {
    const bad = await endpoint(ada, { events: ["earning.adjusted"] });
    const good = await endpoint(ada, { events: ["webhook_endpoint.disabled"] });
    receiver.answer((response) => response.writeHead(response.req.url === bad.path ? 503 : 204).end());
    await adjust("for days", 1n);
    await until(async () => (await log(bad))[0]?.attempts.length === 1);
    await api.sql`UPDATE webhook_endpoint SET failing_since = now() - interval '4 days' WHERE id = ${bad.id}`;
    await api.sql`UPDATE webhook_delivery SET attempts = 9, next_attempt_at = now() WHERE endpoint_id = ${bad.id}`;
    await until(async () => messages(good).length > 0);
    receiver.answer((response) => response.writeHead(204).end());
    expect(messages(good)).toMatchObject([{ data: { endpoint: bad.id } }]);
    expect(await log(bad)).toMatchObject([{ state: "failed" }]);
  });
});

describe("an endpoint", () => {
  test("whose secret is rotated is signed for with both for a day", async () => {
    const one = await endpoint(ada, { events: ["earning.adjusted"] });
    const answer = await ada("POST", `/v1/webhook-endpoints/${one.id}/rotate`);
    const { secret } = answer.body as { secret: string };
    expect(secret).not.toBe(one.secret);
    await adjust("both", 1n);
    await drained(one);
    for (const each of [secret, one.secret]) expect(messages({ ...one, secret: each })).toHaveLength(1);
    await api.sql`UPDATE webhook_endpoint SET old_secret_until = now() WHERE id = ${one.id}`;
    await adjust("new only", 1n);
    await drained(one);
    expect(() => messages(one)).toThrow();
    expect(messages({ ...one, secret })).toHaveLength(2);
  });

  test("gets again what is replayed, under the same ids", async () => {
    const one = await endpoint(ada, { events: ["earning.adjusted"] });
    await adjust("again", 1n);
    await drained(one);
    const [first] = messages(one);
    const replay = (body: object) => ada("POST", `/v1/webhook-endpoints/${one.id}/replay`, body);
    expect(await replay({ message: first?.id })).toMatchObject({ status: 202, body: { replayed: 1 } });
    await drained(one);
    expect(messages(one)).toEqual([first, first]);
    expect((await replay({ since: "2999-01-01T00:00:00Z" })).body).toEqual({ replayed: 0 });
    expectProblem(await replay({}), 400, "body_invalid", "since");
  });

  test("that is deleted gets nothing more, and is not there; nor is anybody else's", async () => {
    const one = await endpoint(ada, { events: ["earning.adjusted"] });
    const lin = await api.keyFor({ role: "payee", payee: "lin" });
    expectProblem(await lin("DELETE", `/v1/webhook-endpoints/${one.id}`), 404, "not_found");
    expectProblem(
      await lin("POST", "/v1/webhook-endpoints", { url: receiver.url, payee: "ada" }),
      404,
      "not_found",
    );
    expect((await ada("DELETE", `/v1/webhook-endpoints/${one.id}`)).status).toBe(204);
    await adjust("after", 1n);
    expect(await pending(one)).toBe(0);
    expectProblem(await ada("GET", `/v1/webhook-endpoints/${one.id}`), 404, "not_found");
    const { body } = await ada("GET", "/v1/webhook-endpoints");
    expect(JSON.stringify(body)).not.toContain(one.id);
    expect(JSON.stringify(body)).not.toContain("whsec_");
  });
});
