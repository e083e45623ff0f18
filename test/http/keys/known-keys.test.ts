import { afterAll, beforeAll, expect, test } from "vitest";
import { KnownKeys } from "../../../src/http/keys/known-keys.ts";
import { startTestApi, type TestApi } from "../../support/api.ts";
import { until } from "../../support/until.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

/** Counts how often it is asked. */
function lookup(answer: string | undefined) {
  const asked: string[] = [];
  const look = async (hash: string) => {
    asked.push(hash);
    return answer;
  };
  return { asked, look };
}

test("a key that was found is not asked for again for a while; one that was not found is, each time", async () => {
  const keys = new KnownKeys<string>(60_000);
  const found = lookup("ada");
  const unknown = lookup(undefined);
  for (const _ of [1, 2, 3]) {
    expect(await keys.find("a", found.look)).toBe("ada");
    expect(await keys.find("b", unknown.look)).toBeUndefined();
  }
  expect(found.asked).toEqual(["a"]);
  expect(unknown.asked).toEqual(["b", "b", "b"]);
});

test("a key is asked for again when its time is over, and after anything was revoked", async () => {
  const { asked, look } = lookup("ada");
  const shortly = new KnownKeys<string>(0);
  await shortly.find("a", look);
  await shortly.find("a", look);
  expect(asked).toHaveLength(2);
  const long = new KnownKeys<string>(60_000);
  await long.find("b", look);
  long.forgetAll();
  await long.find("b", look);
  expect(asked).toHaveLength(4);
});

test("what was looked up before a revocation is not remembered after it", async () => {
  const keys = new KnownKeys<string>(60_000);
  const slow = Promise.withResolvers<string>();
  const first = keys.find("a", () => slow.promise);
  keys.forgetAll();
  slow.resolve("ada");
  expect(await first).toBe("ada");
  expect(await keys.find("a", async () => undefined)).toBeUndefined();
});

test("at most a thousand keys are remembered", async () => {
  const keys = new KnownKeys<string>(60_000);
  const { asked, look } = lookup("ada");
  for (let n = 0; n <= 1000; n++) await keys.find(`${n}`, look);
  await keys.find("1000", look);
  expect(asked).toHaveLength(1001);
  await keys.find("0", look);
  expect(asked).toHaveLength(1002);
});

test("a key that another process revokes stops working here too", async () => {
  const answer = await api.operator("POST", "/v1/keys", { role: "ingest" });
  const { id, secret } = answer.body as { id: string; secret: string };
  const call = api.as(secret);
  expect((await call("GET", "/v1/metering/status")).status).toBe(200);
  await api.sql`UPDATE api_key SET revoked_at = now() WHERE id = ${id}`;
  await until(async () => (await call("GET", "/v1/metering/status")).status === 401, 20_000);
});
