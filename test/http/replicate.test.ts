import type { Prediction } from "replicate";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { SMALL_CATALOG } from "../support/usage.ts";

const SECRET = `whsec_${Buffer.alloc(24, 5).toString("base64")}`;
const OLD_SECRET = `whsec_${Buffer.alloc(24, 6).toString("base64")}`;

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ REPLICATE_WEBHOOK_SECRET: `${SECRET},${OLD_SECRET}` });
  await api.load(SMALL_CATALOG);
});
afterAll(() => api.stop());

/** The SDK's type leaves out the counts that models of text have. */
type Metrics = NonNullable<Prediction["metrics"]> & { input_token_count: number };

const PREDICTION = {
  id: "ufawqhfynnddngldkgtslldrkq",
  model: "ada/llm",
  version: "hidden",
  input: { prompt: "hello" },
  output: ["a", "b"],
  logs: "",
  error: null,
  data_removed: false,
  status: "succeeded",
  created_at: "2023-11-16T12:00:00Z",
  started_at: "2023-11-16T12:00:01Z",
  completed_at: "2023-11-16T12:00:03.500Z",
  metrics: { predict_time: 2.5, total_time: 3.5, input_token_count: 1000 },
  source: "api",
  urls: { get: "https://example.com", cancel: "https://example.com/cancel" },
} satisfies Omit<Prediction, "metrics"> & { metrics: Metrics };
const prediction = (fields: Record<string, unknown> = {}) => ({ ...PREDICTION, ...fields });
const send = (body: unknown, query = "?customer=acme") =>
  api.operator("POST", `/v1/ingest/replicate${query}`, body);

test("a prediction that finished is metered once, however often its webhook comes", async () => {
  for (let n = 0; n < 3; n++) {
    const { status, body } = await send(prediction());
    expect({ status, body }).toEqual({ status: 202, body: { accepted: 1, rejected: [] } });
  }
  await api.metered();
  const { body } = await api.operator("GET", "/v1/predictions/ufawqhfynnddngldkgtslldrkq?source=//replicate");
  expect(body).toMatchObject({
    source: "//replicate",
    customer: "acme",
    version: null,
    occurred_at: "2023-11-16T12:00:03.500000Z",
    gross: { currency: "USD", amount: "1.000000000" },
  });
});

test("one that still runs is left aside, and one canceled while it waited counts when it was made", async () => {
  for (const status of ["starting", "processing"]) {
    const running = prediction({ id: "running", status, completed_at: null, metrics: {} });
    expect((await send(running)).body).toEqual({ accepted: 0, rejected: [] });
  }
  const waited = { started_at: null, completed_at: null, metrics: {}, status: "canceled", id: "waited" };
  expect((await send(prediction(waited))).body).toEqual({ accepted: 1, rejected: [] });
  await api.metered();
  const { body } = await api.operator("GET", "/v1/predictions/waited?source=//replicate");
  expect(body).toMatchObject({ status: "canceled", occurred_at: "2023-11-16T12:00:00.000000Z" });
});

/** As Replicate sends it: without a key, signed. */
function sendSigned(
  body: string,
  { secret = SECRET, at = new Date(), signed = body, query = "?customer=acme" } = {},
) {
  const headers = {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign("msg_1", at, signed),
  };
  return api.as(null)("POST", `/v1/ingest/replicate${query}`, body, headers);
}

test("a webhook that Replicate signed needs no key; what came in and out is kept", async () => {
  for (const secret of [SECRET, OLD_SECRET]) {
    const { status, body } = await sendSigned(JSON.stringify(prediction({ id: "signed" })), { secret });
    expect({ status, body }).toEqual({ status: 202, body: { accepted: 1, rejected: [] } });
  }
  await api.metered();
  const { body } = await api.operator("GET", "/v1/predictions/signed");
  expect(body).toMatchObject({
    input: { prompt: "hello" },
    output: ["a", "b"],
    started_at: "2023-11-16T12:00:01Z",
  });
  const removed = { id: "removed", input: {}, output: null, data_removed: true };
  await sendSigned(JSON.stringify(prediction(removed)));
  await api.metered();
  expect((await api.operator("GET", "/v1/predictions/removed")).body).toMatchObject({
    payload: { state: "none" },
  });
});

test("a signature of another body, secret or time is refused, and it speaks for Replicate's predictions alone", async () => {
  const body = JSON.stringify(prediction({ id: "forged" }));
  const minutes = (n: number) => new Date(Date.now() + n * 60_000);
  for (const wrong of [
    { signed: `${body} ` },
    { secret: `whsec_${Buffer.alloc(24, 9).toString("base64")}` },
    { at: minutes(-6) },
    { at: minutes(6) },
  ])
    expectProblem(await sendSigned(body, wrong), 400, "signature_invalid");
  expect((await sendSigned(body, { at: minutes(-4) })).status).toBe(202);
  const other = await sendSigned(body, { query: "?customer=acme&source=//predictor/eu-1" });
  expect(other.body).toMatchObject({ accepted: 0, rejected: [{ code: "source_not_allowed" }] });
  expectProblem(
    await api.as(null)("POST", "/v1/ingest/replicate?customer=acme", body),
    401,
    "unauthenticated",
  );
});

test("what is no prediction, and one without its customer, is refused naming the field", async () => {
  expectProblem(await send({ id: "x" }), 400, "body_invalid");
  expectProblem(await send(prediction({ model: "no-owner" })), 400, "body_invalid");
  expectProblem(await send(prediction(), ""), 400, "parameter_invalid");
  const { body } = await send(prediction({ id: "bad", metrics: { predict_time: -1 } }));
  expect(body).toMatchObject({ accepted: 0, rejected: [{ code: "quantity_invalid" }] });
});
