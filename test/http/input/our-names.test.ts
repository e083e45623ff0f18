import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../../support/api.ts";
import { SMALL_CATALOG, usageEvent } from "../../support/usage.ts";

const INVOICE = "inv_2023-11_acme_USD";
const OURS = ["tributary:credits", "dispute:case-7", "adj_1:returned", "cor_1", "re_1", "pyr_1", "cn_1"];
const STRIPES_INVOICES = ["in_1", "in_2/in_1", "bank/in_1"];

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  await api.send(usageEvent({ id: "one", customer: "acme", metrics: { input_token_count: 10_000 } }));
  await api.operator("POST", "/v1/settlements/2023-11/close");
  await api.operator("POST", "/v1/settlements/2023-11/invoices");
});
afterAll(() => api?.stop());

test.each([...OURS, ...STRIPES_INVOICES])(
  "nobody gives money our name %s for it, or Stripe's",
  async (reference) => {
    const made = await api.operator("POST", "/v1/refunds", { invoice: INVOICE, amount: "1", reason: "r" });
    const { id } = made.body as { id: string };
    const refused = { status: 400, body: { code: "body_invalid", errors: [{ path: "reference" }] } };
    for (const [path, body] of [
      ["/v1/refunds", { invoice: INVOICE, amount: "1", reason: "r" }],
      [`/v1/refunds/${id}/return`, { reason: "r" }],
      [`/v1/invoices/${INVOICE}/payments`, { amount: "0.01" }],
      ["/v1/customers/acme/credits", { currency: "USD", amount: "1", kind: "paid", reason: "r" }],
    ] as const)
      expect(await api.operator("POST", path, { ...body, reference })).toMatchObject(refused);
    expect((await api.operator("POST", `/v1/refunds/${id}/return`, { reason: "r" })).status).toBe(201);
  },
);

test("a dispute is lost, whatever a refund before it was to be named", async () => {
  const payment = { amount: "4", reference: "bank" };
  await api.operator("POST", `/v1/invoices/${INVOICE}/payments`, payment);
  await api.operator("POST", "/v1/refunds", {
    ...{ invoice: INVOICE, amount: "1", reason: "r", reference: "dispute:case-7" },
  });
  const dispute = { id: "case-7", invoice: INVOICE, amount: "2", reason: "fraudulent" };
  expect((await api.operator("POST", "/v1/disputes", dispute)).status).toBe(201);
  const lost = await api.operator("POST", "/v1/disputes/case-7/decide", { outcome: "lost" });
  expect(lost).toMatchObject({ status: 200, body: { state: "lost" } });
});

test("a name of one's own may look much like them", async () => {
  const asked = { invoice: INVOICE, amount: "1", reason: "r" };
  for (const reference of ["dispute-7", "refund re_1", "invoice/2023", "in-1", "bank/7/8"])
    expect((await api.operator("POST", "/v1/refunds", { ...asked, reference })).status).toBe(201);
});
