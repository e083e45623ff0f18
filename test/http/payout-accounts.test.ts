import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

let api: TestApi;
let ada: Call;
let adasAccount: string;
let linsAccount: string;

const terms = { name: "Ada", country: "US", default_currency: "USD" };
const accountOf = async (id: string) => {
  const [row] = await api.sql<{ account: string }[]>`
    SELECT stripe_account AS account FROM payee WHERE id = ${id}`;
  return row?.account ?? "";
};
const keyOf = async (key: object): Promise<Call> => {
  const made = await api.operator("POST", "/v1/keys", key);
  expect(made).toMatchObject({ status: 201 });
  return api.as((made.body as { secret: string }).secret);
};
const told = () => api.sql<{ type: string; data: Record<string, unknown> }[]>`
  SELECT type, payload->'data' AS data FROM webhook_message WHERE type = 'account.changed' ORDER BY message_no`;
const mailed = () => api.sql<{ recipient: string; data: Record<string, unknown> }[]>`
  SELECT recipient, data FROM mail WHERE type = 'account.changed' ORDER BY mail_no`;

beforeAll(async () => {
  api = await startTestApi({ TWO_PERSON_APPROVAL: "on", MAIL_INTERVAL_MS: "3600000" });
  await api.load(SMALL_CATALOG);
  [adasAccount, linsAccount] = [await accountOf("ada"), await accountOf("lin")];
  ada = await keyOf({ role: "payee", payee: "ada" });
  const endpoint = { payee: "ada", url: "https://example.com/hook" };
  expect(await ada("POST", "/v1/webhook-endpoints", endpoint)).toMatchObject({ status: 201 });
  for (const [id, notices] of [
    ["ada", true],
    ["quiet", false],
  ] as const) {
    const user = { email: `${id}@example.com`, role: "payee", payee: "ada", duties: ["owner"], notices };
    expect(await api.operator("PUT", `/v1/users/${id}`, user)).toMatchObject({ status: 200 });
  }
});
afterAll(() => api?.stop());

describe("a payee's account", () => {
  test("that is another payee's is refused, by whichever route", async () => {
    const body = { ...terms, stripe_account: linsAccount };
    const answer = await api.operator("PUT", "/v1/payees/ada", body);
    expectProblem(answer, 409, "stripe_account_taken", "stripe_account");
    const imported = await api.operator("POST", "/v1/catalog/import", {
      accounts: [{ payee: "ada", stripe_account: linsAccount }],
    });
    expectProblem(imported, 409, "stripe_account_taken", "accounts[0].stripe_account");
    expect(await accountOf("ada")).toBe(adasAccount);
    expect(await told()).toEqual([]);
  });

  test("that is replaced is told to the payee, by mail (wanted or not) and webhook, and stands in the audit log with the one before", async () => {
    const put = (account?: string | null) =>
      api.operator("PUT", "/v1/payees/ada", { ...terms, stripe_account: account });
    expect(await put("acct_new")).toMatchObject({ status: 200, body: { stripe_account: "acct_new" } });
    expect(await put("acct_new")).toMatchObject({ status: 200 });
    expect(await put()).toMatchObject({ status: 200, body: { stripe_account: "acct_new" } });
    const change = { payee: "ada", account: "acct_new", previous: adasAccount };
    expect((await told()).map(({ data }) => data)).toEqual([change]);
    expect(await mailed()).toEqual([
      { recipient: "ada@example.com", data: change },
      { recipient: "quiet@example.com", data: change },
    ]);
    const [entry] = await api.sql`
      SELECT before->>'stripeAccount' AS before, after->>'stripe_account' AS after FROM audit_entry
      WHERE target = '/v1/payees/ada' ORDER BY entry_no LIMIT 1`;
    expect(entry).toEqual({ before: adasAccount, after: "acct_new" });
  });

  test("that is taken away may be given to another", async () => {
    const body = { ...terms, stripe_account: null };
    expect(await api.operator("PUT", "/v1/payees/ada", body)).toMatchObject({ status: 200 });
    // The simulator's payees get another one at once, as payees at Stripe do when they open the link.
    const opened = await accountOf("ada");
    expect(["acct_new", adasAccount]).not.toContain(opened);
    const imported = await api.operator("POST", "/v1/catalog/import", {
      accounts: [{ payee: "lin", stripe_account: "acct_new" }],
    });
    expect(imported).toMatchObject({
      status: 201,
      body: { accounts_changed: [{ payee: "lin", before: linsAccount, after: "acct_new" }] },
    });
    const back = [
      { payee: "lin", stripe_account: linsAccount },
      { payee: "ada", stripe_account: adasAccount },
    ];
    expect(await api.operator("POST", "/v1/catalog/import", { accounts: back })).toMatchObject({
      status: 201,
    });
    expect((await told()).map(({ data }) => data.account)).toEqual(["acct_new", null, opened, adasAccount]);
  });
});

test("money goes to a changed account only when somebody else than who changed it has seen the warning and approved", async () => {
  await api.send(usageEvent({ id: "p1", metrics: { input_token_count: 10_000_000 } }));
  const step = (call: Call, name: string, body?: object) =>
    call("POST", `/v1/settlements/2023-11/${name}`, body);
  expect(await step(api.operator, "close")).toMatchObject({ status: 200 });
  const [changer, planner, other] = [
    await keyOf({ role: "operator" }),
    await keyOf({ role: "operator" }),
    await keyOf({ role: "operator" }),
  ];
  const opened = (await (
    await fetch(`${api.simulator}/v1/accounts`, {
      method: "POST",
      headers: { Authorization: "Bearer sk_test_x", "Content-Type": "application/x-www-form-urlencoded" },
      body: "capabilities[transfers][requested]=true",
    })
  ).json()) as { id: string };
  const body = { ...terms, stripe_account: opened.id };
  expect(await changer("PUT", "/v1/payees/ada", body)).toMatchObject({ status: 200 });
  const { body: planned } = await step(planner, "plan");
  const { plan } = planned as { plan: { warnings: { code: string; message: string }[] } };
  expect(plan.warnings).toMatchObject([
    { code: "account_changed", message: expect.stringContaining(opened.id) },
  ]);
  expectProblem(await step(other, "approve", {}), 409, "plan_needs_confirmation");
  const confirm = ["account_changed"];
  expectProblem(await step(changer, "approve", { confirm }), 409, "approver_set_account");
  expect(await step(other, "approve", { confirm })).toMatchObject({ status: 200 });
  expect(await step(other, "pay")).toMatchObject({ status: 200, body: { run: { results: { paid: 1 } } } });
});

describe("an onboarding link", () => {
  const lever = async (account: string, body: object) => {
    const answer = await fetch(`${api.simulator}/_simulator/accounts/${account}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(200);
  };
  const link = () => api.operator("POST", "/v1/payees/lin/onboarding-links");

  test("is not for who is finished, or is being looked at", async () => {
    const refused = await link();
    expectProblem(refused, 409, "onboarding_complete");
    expect(refused.body).toMatchObject({ detail: expect.stringContaining("There is nothing to do") });
    await lever(linsAccount, { transfers: "pending", currently_due: [] });
    expectProblem(await link(), 409, "onboarding_complete");
  });

  test("is for who is ready when Stripe asks for more, and says what", async () => {
    await lever(linsAccount, { transfers: "active", currently_due: ["individual.verification.document"] });
    const { body } = await api.operator("GET", "/v1/payees/lin/onboarding");
    expect(body).toMatchObject({
      state: "ready",
      missing: ["individual.verification.document"],
      message: expect.stringContaining("asks for more"),
    });
    expect(await link()).toMatchObject({ status: 201 });
    await lever(linsAccount, { transfers: "active" });
    expectProblem(await link(), 409, "onboarding_complete");
  });

  test("is not told of: the account that was opened for a payee is no change", async () => {
    expect(await api.operator("PUT", "/v1/payees/new", { ...terms, name: "New" })).toMatchObject({
      status: 200,
    });
    expect(await api.sql`SELECT account, changed, set_by FROM payee_account WHERE payee = 'new'`).toEqual([
      { account: await accountOf("new"), changed: false, set_by: "service" },
    ]);
  });
});
