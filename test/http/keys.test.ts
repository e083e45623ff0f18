import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { SMALL_CATALOG, tokenPrice } from "../support/usage.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
});
afterAll(() => api.stop());

interface MadeKey {
  id: string;
  secret: string | null;
}

async function makeKey(body: unknown, headers: Record<string, string> = {}): Promise<MadeKey> {
  const answer = await api.operator("POST", "/v1/keys", body, headers);
  expect(answer).toMatchObject({ status: 201 });
  return answer.body as MadeKey;
}

/** Every row of every table as text. */
async function wholeDatabase(): Promise<string> {
  const tables = await api.sql<{ name: string }[]>`
    SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`;
  const texts = tables.map(
    ({ name }) => api.sql<{ row: string }[]>`SELECT t::text AS row FROM ${api.sql(name)} t`,
  );
  return (await Promise.all(texts)).flatMap((rows) => rows.map(({ row }) => row)).join("\n");
}

describe("keys", () => {
  test.each([
    [{ role: "king" }, "role"],
    [{ role: "payee" }, "payee"],
    [{ role: "customer" }, "customer"],
    [{ role: "operator", payee: "ada" }, "payee"],
    [{ role: "payee", payee: "ada", customer: "acme" }, "customer"],
    [{ role: "payee", payee: "ada", sources: ["x"] }, "sources"],
    [{ role: "ingest", sources: [] }, "sources"],
  ])("a key with %j is refused and names %s", async (body, path) => {
    expectProblem(await api.operator("POST", "/v1/keys", body), 400, "body_invalid", path);
  });

  test.each(["payee", "customer"])("a key for an unknown %s is refused", async (role) => {
    const answer = await api.operator("POST", "/v1/keys", { role, [role]: "nobody" });
    expectProblem(answer, 422, `${role}_unknown`, role);
  });

  test("a revoked key is refused at once; revoking again is fine, an unknown one is not there", async () => {
    const { id, secret } = await makeKey({ role: "operator" });
    const call = api.as(secret);
    expect((await call("GET", "/v1/metering/status")).status).toBe(200);
    expect((await api.operator("DELETE", `/v1/keys/${id}`)).status).toBe(204);
    expectProblem(await call("GET", "/v1/metering/status"), 401, "unauthenticated");
    expect((await api.operator("DELETE", `/v1/keys/${id}`)).status).toBe(204);
    expectProblem(await api.operator("DELETE", "/v1/keys/key_unknown"), 404, "not_found");
  });

  test("a key's secret stands nowhere in the database, not even behind an Idempotency-Key", async () => {
    const { secret } = await makeKey({ role: "ingest" }, { "Idempotency-Key": "secret-1" });
    expect(secret).toMatch(/^trib_ingest_/);
    expect(await wholeDatabase()).not.toContain(secret);
  });

  test("repeating the making of a key answers the same key without its secret, and makes no second one", async () => {
    const headers = { "Idempotency-Key": "secret-2" };
    const first = await makeKey({ role: "ingest" }, headers);
    const again = await makeKey({ role: "ingest" }, headers);
    expect(again).toEqual({ ...first, secret: null });
  });
});

describe("Idempotency-Key", () => {
  const path = "/v1/models/ada/llm/prices";
  const { model: _, ...price } = tokenPrice("ada/llm", { currency: "EUR" });

  test("the same request again gets the same answer, and says that it is one", async () => {
    const headers = { "Idempotency-Key": "price-1" };
    const first = await api.operator("POST", path, price, headers);
    expect(first.status).toBe(201);
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    const again = await api.operator("POST", path, price, headers);
    expect(again).toMatchObject({ status: 201, body: first.body });
    expect(again.headers.get("idempotent-replayed")).toBe("true");
  });

  test("another body or another path under the same key is refused, before it is validated", async () => {
    const headers = { "Idempotency-Key": "price-2" };
    expect((await api.operator("POST", path, price, headers)).status).toBe(201);
    for (const [otherPath, body] of [
      [path, { ...price, currency: "GBP" }],
      [path, { nonsense: true }],
      ["/v1/models/lin/llm/prices", price],
    ] as const) {
      const answer = await api.operator("POST", otherPath, body, headers);
      expectProblem(answer, 409, "idempotency_key_reused");
    }
  });

  test("a refused request may be mended and sent under the same key", async () => {
    const headers = { "Idempotency-Key": "price-3" };
    expectProblem(await api.operator("POST", path, {}, headers), 400, "body_invalid");
    expect((await api.operator("POST", path, price, headers)).status).toBe(201);
  });

  test("two callers may use the same key for different things", async () => {
    const headers = { "Idempotency-Key": "price-4" };
    expect((await api.operator("POST", path, price, headers)).status).toBe(201);
    const other = api.as((await makeKey({ role: "operator" })).secret);
    const body = { ...price, currency: "CHF" };
    expect(await other("POST", path, body, headers)).toMatchObject({ status: 201, body });
  });

  test("of many at the same moment one is carried out; the others get its answer or are told to wait", async () => {
    const headers = { "Idempotency-Key": "race" };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => api.operator("POST", "/v1/keys", { role: "ingest" }, headers)),
    );
    expect(answers.filter((answer) => (answer.body as MadeKey).secret?.startsWith("trib_"))).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 201) continue;
      expectProblem(answer, 409, "idempotency_key_in_progress");
    }
  });

  test("a key that is too long is refused", async () => {
    const answer = await api.operator("POST", path, price, { "Idempotency-Key": "x".repeat(256) });
    expectProblem(answer, 400, "parameter_invalid");
  });
});
