import { afterAll, beforeAll, expect, test } from "vitest";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

let api: TestApi;
let acme: Call;
let globex: Call;
let ada: Call;
let lin: Call;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  [acme, globex, ada, lin] = await Promise.all([
    api.keyFor({ role: "customer", customer: "acme" }),
    api.keyFor({ role: "customer", customer: "globex" }),
    api.keyFor({ role: "payee", payee: "ada" }),
    api.keyFor({ role: "payee", payee: "lin" }),
  ]);
  await api.send(
    usageEvent({ id: "a", version: "v1" }),
    usageEvent({ id: "b", version: "v2" }),
    usageEvent({ id: "c", customer: "globex", version: "v2" }),
  );
});
afterAll(() => api.stop());

test("each author says one thing of a prediction, may change it, and withdraw it", async () => {
  const path = "/v1/predictions/a/feedback";
  expect(
    (await acme("PUT", path, { thumb: "up", score: 90, labels: ["fast"], text: "good" })).body,
  ).toMatchObject({
    author: null,
    thumb: "up",
    score: 90,
    labels: ["fast"],
    text: "good",
  });
  expect((await acme("PUT", `${path}?author=eve`, { thumb: "down" })).body).toMatchObject({
    author: "eve",
    text: null,
  });
  expect((await acme("PUT", path, { thumb: "down", score: 10 })).body).toMatchObject({
    thumb: "down",
    labels: [],
  });
  const { body } = await acme("GET", "/v1/predictions/a");
  expect(body).toMatchObject({
    feedback: [
      { author: null, thumb: "down", score: 10 },
      { author: "eve", thumb: "down" },
    ],
  });
  expect((await acme("DELETE", `${path}?author=eve`)).status).toBe(204);
  expectProblem(await acme("DELETE", `${path}?author=eve`), 404, "not_found");
  expectProblem(await globex("PUT", path, { thumb: "up" }), 404, "not_found");
  expectProblem(await acme("PUT", path, { score: 101 }), 400, "body_invalid");
});

test("text that no database takes, and an author's name that looks like a secret, are the caller's mistake", async () => {
  const path = "/v1/predictions/a/feedback";
  for (const body of ['{"labels":["a\\u0000"]}', '{"text":"a\\u0000"}', '{"labels":["a\\ud800"]}'])
    expectProblem(
      await acme("PUT", path, body),
      400,
      "body_invalid",
      body.includes("labels") ? "labels.0" : "text",
    );
  const key = `sk_live_${"x1".repeat(12)}`;
  expectProblem(
    await acme("PUT", `${path}?author=${key}`, { thumb: "up" }),
    400,
    "parameter_invalid",
    "author",
  );
});

test("it is exported page by page, to each its own, as CSV too", async () => {
  await acme("PUT", "/v1/predictions/b/feedback", { thumb: "up", text: "=1+1" });
  await globex("PUT", "/v1/predictions/c/feedback?author=zoe", { score: 50, labels: ["slow", "vague"] });
  const all: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const { body } = await api.operator(
      "GET",
      `/v1/feedback?limit=1${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    const found = body as { data: { prediction: string }[]; next_cursor: string | null };
    all.push(...found.data.map(({ prediction }) => prediction));
    cursor = found.next_cursor;
  }
  expect(all.sort()).toEqual(["a", "b", "c"]);
  const own = (await globex("GET", "/v1/feedback")).body as { data: { customer: string }[] };
  expect(own.data.map(({ customer }) => customer)).toEqual(["globex"]);
  const { body, headers } = await acme("GET", "/v1/feedback?model=ada%2Fllm", undefined, {
    Accept: "text/csv",
  });
  expect(headers.get("content-type")).toContain("text/csv");
  expect(String(body).trim().split("\n")).toHaveLength(3);
});

test("it is counted by version, for the model's owner", async () => {
  const { body } = await ada("GET", "/v1/models/ada/llm/feedback");
  expect(body).toEqual({
    model: "ada/llm",
    data: [
      { version: "v1", given: 1, up: 0, down: 1, scored: 1, score_sum: 10, labels: {} },
      { version: "v2", given: 2, up: 1, down: 0, scored: 1, score_sum: 50, labels: { slow: 1, vague: 1 } },
    ],
  });
  expectProblem(await lin("GET", "/v1/models/ada/llm/feedback"), 404, "not_found");
});
