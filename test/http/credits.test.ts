import { afterAll, beforeAll, expect, test } from "vitest";
import { type Receiver, startReceiver } from "../notifications/receiver.ts";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { until } from "../support/until.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

let api: TestApi;
let receiver: Receiver;
let acme: Call;
let gateway: Call;
beforeAll(async () => {
  receiver = await startReceiver();
  api = await startTestApi({
    WEBHOOK_ALLOWED_HOSTS: "127.0.0.1",
    WEBHOOK_INTERVAL_MS: "50",
    CORRECTION_APPROVAL_LIMITS: "USD=100",
  });
  await api.load(SMALL_CATALOG);
  acme = await api.keyFor({ role: "customer", customer: "acme" });
  gateway = await api.keyFor({ role: "ingest", sources: ["//predictor/eu-1"] });
});
afterAll(async () => {
  await api?.stop();
  await receiver?.stop();
});

const NOW = new Date().toISOString();
const MONTH = NOW.slice(0, 7);

test("a customer's credits, limits, authorized predictions and spend, as the API tells them", async () => {
  const credit = { amount: "5", currency: "USD", kind: "promotional", reason: "welcome" };
  const key = { "Idempotency-Key": "grant-1" };
  const granted = await api.operator("POST", "/v1/customers/acme/credits", credit, key);
  expect(granted).toMatchObject({ status: 201, body: { left: { amount: "5.000000000" }, expires_at: null } });
  expect(await api.operator("POST", "/v1/customers/acme/credits", credit, key)).toMatchObject({
    status: 201,
    body: granted.body,
  });
  expect(await acme("GET", "/v1/customers/acme/credits")).toMatchObject({ body: { data: [granted.body] } });
  expect(await acme("GET", "/v1/customers/globex/credits")).toMatchObject({ status: 404 });
  expect(await acme("POST", "/v1/customers/acme/credits", credit)).toMatchObject({ status: 403 });
  for (const wrong of [
    { kind: "paid" },
    { amount: "0" },
    { amount: 5 },
    { expires_at: "2020-01-01T00:00:00Z" },
  ])
    expect(await api.operator("POST", "/v1/customers/acme/credits", { ...credit, ...wrong })).toMatchObject({
      status: 400,
    });

  const url = `${receiver.url}/acme`;
  const { body } = await acme("POST", "/v1/webhook-endpoints", { url });
  const { secret } = body as { secret: string };
  const limits = { currency: "USD", soft: "1", hard: "4", prepaid: true };
  expect(await api.operator("PUT", "/v1/customers/acme/spend-limits", limits)).toMatchObject({
    status: 200,
    body: { limits: { period: "month", hard: { amount: "4.000000000" } } },
  });

  const ask = (id: string, estimate: object, more: object = {}) =>
    gateway("POST", "/v1/customers/acme/authorize", {
      model: "ada/llm",
      estimate,
      prediction: { source: "//predictor/eu-1", id },
      ...more,
    });
  const first = await ask("p-1", { metrics: { input_token_count: 1_500 } });
  expect(first).toMatchObject({
    status: 200,
    body: {
      authorized: true,
      reason: "reserved",
      amount: { currency: "USD", amount: "1.500000000" },
      remaining: { limit: { amount: "2.500000000" }, credits: { amount: "3.500000000" } },
    },
  });
  expect(await ask("p-2", { amount: "2.600000000" })).toMatchObject({
    body: { authorized: false, reason: "hard_limit_reached", reservation: null },
  });
  expect(await ask("p-3", { amount: "1" }, { currency: "EUR" })).toMatchObject({
    status: 422,
    body: { code: "currency_differs" },
  });
  expect(await ask("p-3", { metrics: { input_tokens: 1 } })).toMatchObject({ status: 400 });
  expect(await ask("p-3", { metrics: {} }, { model: "ada/none" })).toMatchObject({
    status: 422,
    body: { code: "price_missing" },
  });
  // A name that is misspelt would be reserved at nothing.
  for (const metrics of [{ input_token_cuont: 100_000 }, {}])
    expect(await ask("p-3", { metrics })).toMatchObject({
      status: 422,
      body: {
        code: "price_missing",
        detail: expect.stringContaining("estimate.metrics: none of these is priced"),
      },
    });
  expect(await ask("p-3", { amount: "1" }, { prediction: { source: "//x", id: "p" } })).toMatchObject({
    status: 403,
  });
  expect(await acme("POST", "/v1/customers/acme/authorize", {})).toMatchObject({ status: 403 });

  const used = { time: NOW, metrics: { input_token_count: 1_200 } };
  await api.send(usageEvent({ id: "p-1", ...used }));
  const spend = () => acme("GET", `/v1/customers/acme/spend?from=${MONTH}&group_by=model,month`);
  expect(await spend()).toMatchObject({
    status: 200,
    body: {
      data: [{ currency: "USD", model: "ada/llm", month: MONTH, events: "1", gross: "1.2" }],
      standings: [
        {
          spent: "1.2",
          reserved: { amount: "0.000000000" },
          limit_left: { amount: "2.800000000" },
          credits: { balance: { amount: "5.000000000" }, unbilled: "1.2", left: { amount: "3.800000000" } },
        },
      ],
    },
  });
  const reservation = (await ask("p-4", { amount: "2" })).body as { reservation: string };
  expect(await gateway("DELETE", `/v1/reservations/${reservation.reservation}`)).toMatchObject({
    status: 200,
    body: { outcome: "released" },
  });
  expect(await gateway("DELETE", "/v1/reservations/rsv_none")).toMatchObject({ status: 404 });

  await until(() => receiver.received.length >= 2);
  expect(
    receiver.verified("/acme", secret).map(({ type, data }) => [type, data.customer, data.month]),
  ).toEqual([
    ["customer.spend_limit.hard_reached", "acme", MONTH],
    ["customer.spend_limit.soft_reached", "acme", MONTH],
  ]);
  expect(await acme("GET", "/v1/webhook-endpoints")).toMatchObject({
    body: { data: [{ customer: "acme", payee: null }] },
  });

  await api.operator("PUT", "/v1/customers/acme/spend-limits", { currency: "USD", prepaid: true });
  for (const id of ["p-5", "p-6"])
    expect(await ask(id, { amount: "4" })).toMatchObject({
      body: { authorized: false, reason: "credit_exhausted" },
    });
  await until(() => receiver.received.length >= 3);
  expect(receiver.verified("/acme", secret).slice(2)).toMatchObject([
    { type: "customer.credits.exhausted", data: { spent: "1.2", granted: { amount: "5.000000000" } } },
  ]);
});

test("a credit that is revoked is gone for the next prediction; above the limit, somebody else than its author says so", async () => {
  const credit = { amount: "150", currency: "USD", kind: "promotional", reason: "welcome" };
  const granted = await api.operator("POST", "/v1/customers/globex/credits", credit);
  const { id } = granted.body as { id: string };
  const limits = { currency: "USD", prepaid: true };
  expect((await api.operator("PUT", "/v1/customers/globex/spend-limits", limits)).status).toBe(200);
  const ask = (prediction: string) =>
    gateway("POST", "/v1/customers/globex/authorize", {
      model: "ada/llm",
      estimate: { amount: "1" },
      prediction: { source: "//predictor/eu-1", id: prediction },
    });
  expect(await ask("g-1")).toMatchObject({ body: { authorized: true } });

  const revocation = { kind: "revocation", credit: id, reason: "to the wrong customer" };
  const dry = await api.operator("POST", "/v1/corrections?dry_run=true", revocation);
  expect(dry).toMatchObject({ status: 201, body: { amount: { amount: "150.000000000" }, correction: null } });
  const made = await api.operator("POST", "/v1/corrections", { ...revocation, reference: "r-1" });
  expect(made).toMatchObject({ status: 201, body: { correction: { state: "needs_approval" } } });
  const { correction } = made.body as { correction: { id: string } };
  const of = async () => {
    const { body } = await api.operator("GET", "/v1/customers/globex/credits");
    return (body as { data: unknown[] }).data[0];
  };
  expect(await of()).toMatchObject({ revoked: { amount: "0.000000000" }, left: { amount: "150.000000000" } });
  const approve = `/v1/corrections/${correction.id}/approve`;
  expect(await api.operator("POST", approve)).toMatchObject({ body: { code: "approver_made_plan" } });
  const other = await api.secondOperator();
  expect(await other("POST", approve)).toMatchObject({ status: 200, body: { state: "booked" } });

  expect(await of()).toMatchObject({ revoked: { amount: "150.000000000" }, left: { amount: "0.000000000" } });
  expect(await ask("g-2")).toMatchObject({ body: { authorized: false, reason: "credit_exhausted" } });
  const again = { ...revocation, reference: "r-2" };
  expect(await api.operator("POST", "/v1/corrections", again)).toMatchObject({
    status: 409,
    body: { code: "nothing_to_revoke" },
  });
  const unknown = { ...revocation, credit: "cr_none" };
  expect(await api.operator("POST", "/v1/corrections", unknown)).toMatchObject({ status: 404 });
});
