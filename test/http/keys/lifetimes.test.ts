import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isSecret, newSecret } from "../../../src/http/keys/secret.ts";
import { type Call, startTestApi, type TestApi } from "../../support/api.ts";
import { expectProblem } from "../../support/problem.ts";
import { until } from "../../support/until.ts";
import { SMALL_CATALOG } from "../../support/usage.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
});
afterAll(() => api.stop());

interface Made {
  id: string;
  secret: string;
}

async function make(key: object): Promise<Made & { call: Call }> {
  const answer = await api.operator("POST", "/v1/keys", key);
  expect(answer).toMatchObject({ status: 201 });
  const made = answer.body as Made;
  return { ...made, call: api.as(made.secret) };
}

const adas = { role: "payee", payee: "ada" };
const BALANCES = "/v1/payees/ada/balances";

describe("a secret", () => {
  test("has a checksum: one changed, added or missing character makes it none", () => {
    for (let n = 0; n < 50; n++) {
      const secret = newSecret("payee");
      expect(isSecret(secret)).toBe(true);
      for (let at = 11; at < secret.length; at++) {
        const other = secret[at] === "x" ? "y" : "x";
        expect(isSecret(secret.slice(0, at) + other + secret.slice(at + 1))).toBe(false);
      }
      expect(isSecret(`${secret}x`)).toBe(false);
      expect(isSecret(secret.slice(0, -1))).toBe(false);
    }
  });

  test("that was not copied whole is refused with a word about it", async () => {
    const answer = await api.as(newSecret("payee").slice(0, -1))("GET", BALANCES);
    expectProblem(answer, 401, "unauthenticated");
    expect(answer.body).toMatchObject({ detail: expect.stringContaining("not copied whole") });
  });
});

describe("a key", () => {
  test("with the scope read reads, and changes nothing", async () => {
    const { call } = await make({ ...adas, scope: "read" });
    expect((await call("GET", BALANCES)).status).toBe(200);
    expectProblem(await call("POST", "/v1/payees/ada/onboarding-links"), 403, "scope_not_allowed");
  });

  test("that has expired is refused", async () => {
    const { id, call } = await make({ ...adas, expires_at: "2100-01-01T00:00:00Z" });
    await api.sql`UPDATE api_key SET expires_at = now() WHERE id = ${id}`;
    expectProblem(await call("GET", BALANCES), 401, "unauthenticated");
  });

  test("that would never work is not made", async () => {
    const past = { ...adas, expires_at: "2023-11-01T00:00:00Z" };
    expectProblem(await api.operator("POST", "/v1/keys", past), 400, "body_invalid", "expires_at");
  });

  test("is taken with its scheme written in any case", async () => {
    const { secret } = (await api.operator("POST", "/v1/keys", adas)).body as { secret: string };
    for (const scheme of ["bearer", "BEARER", "Bearer "]) {
      const headers = { Authorization: `${scheme} ${secret}` };
      expect((await fetch(api.url + BALANCES, { headers })).status, scheme).toBe(200);
    }
  });

  test("says when it was used, and that is written at most once a minute", async () => {
    const { id, call } = await make({ ...adas, name: "ada's laptop" });
    const shown = async () => {
      const { data } = (await api.operator("GET", "/v1/keys")).body as {
        data: (Made & { last_used_at: string })[];
      };
      return data.find((key) => key.id === id);
    };
    expect(await shown()).toMatchObject({
      last_used_at: null,
      name: "ada's laptop",
      scope: "write",
      payee: "ada",
    });
    await call("GET", BALANCES);
    const first = await shown();
    expect(first?.last_used_at).toEqual(expect.any(String));
    await call("GET", BALANCES);
    expect(await shown()).toEqual(first);
    await api.sql`UPDATE api_key SET last_used_at = last_used_at - interval '2 minutes' WHERE id = ${id}`;
    // A key that was found is believed for a second.
    await until(async () => {
      await call("GET", BALANCES);
      return ((await shown())?.last_used_at ?? "") > (first?.last_used_at ?? "x");
    });
  });

  test("list shows no secret, and pages", async () => {
    const made = await make({ role: "ingest" });
    const { body } = await api.operator("GET", "/v1/keys");
    expect(JSON.stringify(body)).not.toContain(made.secret);
    expect(JSON.stringify(body)).toContain(made.secret.slice(0, 15));
    const first = (await api.operator("GET", "/v1/keys?limit=1")).body as {
      data: Made[];
      next_cursor: string;
    };
    const second = (await api.operator("GET", `/v1/keys?limit=1&cursor=${first.next_cursor}`))
      .body as typeof first;
    expect(second.data[0]?.id).not.toBe(first.data[0]?.id);
  });
});

describe("rotation", () => {
  const rotate = (call: Call, id: string, body?: object) => call("POST", `/v1/keys/${id}/rotate`, body);

  test("makes a key with the same rights; both work during the overlap, then only the new one", async () => {
    const old = await make({ ...adas, name: "cron" });
    const answer = await rotate(old.call, old.id);
    expect(answer).toMatchObject({
      status: 201,
      body: { role: "payee", old_expires_at: expect.any(String) },
    });
    const made = answer.body as Made;
    for (const secret of [old.secret, made.secret])
      expect((await api.as(secret)("GET", BALANCES)).status).toBe(200);
    await api.sql`UPDATE api_key SET expires_at = now() WHERE id = ${old.id}`;
    await until(async () => (await old.call("GET", BALANCES)).status === 401);
    expect((await api.as(made.secret)("GET", BALANCES)).status).toBe(200);
    expectProblem(await rotate(api.operator, old.id), 409, "key_not_rotatable");
  });

  test("without an overlap ends the old key at once", async () => {
    const old = await make(adas);
    await old.call("GET", BALANCES);
    expect((await rotate(api.operator, old.id, { overlap_seconds: 0 })).status).toBe(201);
    expectProblem(await old.call("GET", BALANCES), 401, "unauthenticated");
  });

  test("of many at once only one succeeds, and nobody rotates another's key", async () => {
    const old = await make(adas);
    const answers = await Promise.all(Array.from({ length: 8 }, () => rotate(api.operator, old.id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)]);
    const other = await make({ role: "payee", payee: "lin" });
    expectProblem(await rotate(other.call, old.id), 404, "not_found");
  });
});
