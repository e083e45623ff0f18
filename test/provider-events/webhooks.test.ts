import Stripe from "stripe";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, type Call, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { until } from "../support/until.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

// A month that is paid; then Stripe tells things, in every wrong way it can.

const SECRETS = ["whsec_the_one_before_rotation", "whsec_the_one_of_now"];
const PATH = "/v1/webhooks/stripe";

let api: TestApi;
let ada: Call;
let adasAccount: string;
let adasTransfer: string;
let adasPayout: string;

beforeAll(async () => {
  api = await startTestApi({ STRIPE_WEBHOOK_SECRET: SECRETS.join(",") });
  await api.load(SMALL_CATALOG);
  ada = await api.keyFor({ role: "payee", payee: "ada" });
  await api.send(usageEvent({ id: "n1", metrics: { input_token_count: 100_000 } }));
  for (const step of ["close", "plan", "approve", "pay"])
    expect(await api.operator("POST", `/v1/settlements/2023-11/${step}`)).toMatchObject({ status: 200 });
  const { body } = await ada("GET", "/v1/payees/ada/payouts");
  const [payout] = (body as { data: { id: string; transfer: string; account: string }[] }).data;
  adasPayout = payout?.id ?? "";
  const [row] = await api.sql<{ transfer_id: string; account: string }[]>`
    SELECT transfer_id, account FROM payout WHERE id = ${adasPayout}`;
  adasTransfer = row?.transfer_id ?? "";
  adasAccount = row?.account ?? "";
});
afterAll(() => api?.stop());

let told = 0;

function event(type: string, object: Record<string, unknown>, more: Record<string, unknown> = {}) {
  told += 1;
  const created = Math.floor(Date.now() / 1000);
  const common = { id: `evt_test_${told}`, object: "event", created, livemode: false };
  return { ...common, type, data: { object }, ...more };
}

interface Sending {
  secret?: string;
  agoSeconds?: number;
  body?: string;
}

function send(
  what: object,
  { secret = SECRETS[1] ?? "", agoSeconds = 0, body }: Sending = {},
): Promise<Answer> {
  const payload = JSON.stringify(what, null, 2);
  const timestamp = Math.floor(Date.now() / 1000) - agoSeconds;
  const header = Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
  return api.as(null)("POST", PATH, body ?? payload, { "Stripe-Signature": header });
}

interface Kept {
  id: string;
  state: string;
  outcome: string | null;
  attempts: number;
}

async function kept(id: string): Promise<Kept> {
  return (await api.operator("GET", `${PATH}/events/${id}`)).body as Kept;
}

/** What became of it, once something has. */
async function ended(id: string): Promise<Kept> {
  await until(async () => (await kept(id)).state !== "waiting");
  return kept(id);
}

const account = (id: string) => ({ id, object: "account" });

describe("a webhook", () => {
  test("is taken with any of the secrets, once, and what it is about is fetched anew", async () => {
    for (const secret of SECRETS) {
      const what = event("account.updated", account(adasAccount), { account: adasAccount });
      expect(await send(what, { secret })).toMatchObject({
        status: 200,
        body: { received: true, new: true },
      });
      expect(await send(what, { secret })).toMatchObject({
        status: 200,
        body: { received: true, new: false },
      });
      expect(await ended(what.id)).toMatchObject({
        state: "handled",
        outcome: "ada can receive payouts",
        attempts: 1,
      });
    }
  });

  test.each<[string, Sending]>([
    ["signed with another secret", { secret: "whsec_somebody_elses" }],
    ["changed on the way", { body: '{"id":"evt_forged"}' }],
    ["sent again after six minutes", { agoSeconds: 360 }],
    ["signed for six minutes from now", { agoSeconds: -360 }],
  ])("that is %s is refused, and nothing is kept of it", async (_, how) => {
    const what = event("account.updated", account(adasAccount));
    expectProblem(await send(what, how), 400, "signature_invalid");
    expectProblem(await api.operator("GET", `${PATH}/events/${what.id}`), 404, "not_found");
  });

  test.each(["v1=", "v1", "v1=,v1=", "v1=0", ",", "v1=zz,v0=1"])("signed %j is refused", async (signed) => {
    const header = `t=${Math.floor(Date.now() / 1000)},${signed}`;
    const answer = await api.as(null)("POST", PATH, "{}", { "Stripe-Signature": header });
    expectProblem(answer, 400, "signature_invalid");
  });

  test("without a signature is refused, also with the operator's key", async () => {
    expectProblem(await api.operator("POST", PATH, event("account.updated", {})), 400, "signature_invalid");
  });

  test("that names nothing is refused by name", async () => {
    expectProblem(await send(event("account.updated", {})), 400, "event_invalid");
  });

  // A service that answers 500 is told the same for three days.
  test.each<[string, unknown, RegExp]>([
    ["null", null, /^the body: /],
    ["a list", [], /^the body: /],
    ["made at no time", event("account.updated", account("acct_1"), { created: "abc" }), /^created: /],
    ["made at the end of days", event("account.updated", account("acct_1"), { created: 1e30 }), /^created: /],
    ["named with a NUL", event("account.updated", account("acct_1"), { id: "evt_\0" }), /^id: /],
    [
      "named too long for an index",
      event("account.updated", account("acct_1"), { id: "e".repeat(9000) }),
      /^id: /,
    ],
    ["about a NUL", event("account.updated", account("\0")), /^data.object.id: /],
    ["about a number", event("account.updated", { id: 7 }), /^data.object.id: /],
    ["about nothing", event("account.updated", {}, { data: null }), /^data: /],
    [
      "of an account that is an object",
      event("account.updated", account("a"), { account: { toString: 1 } }),
      /^account: /,
    ],
    [
      "thin, with times of the classic kind",
      { id: "evt_thin", object: "v2.core.event", type: "x", created: 7 },
      /^created: /,
    ],
    [
      "thin, with an address that is no text",
      {
        id: "evt_thin",
        object: "v2.core.event",
        type: "x",
        created: "2023-11-14T22:13:20Z",
        related_object: { id: "a", url: { toString: 1 } },
      },
      /^related_object.url: /,
    ],
  ])("that is signed and %s is refused by name", async (_, what, field) => {
    const answer = await send(what as object);
    expectProblem(answer, 400, "event_invalid");
    expect((answer.body as { detail: string }).detail).toMatch(field);
  });

  test.each<[string, () => object, RegExp]>([
    ["from live mode", () => event("account.updated", account(adasAccount), { livemode: true }), /live mode/],
    [
      "of an account of nobody here",
      () => event("account.updated", account("acct_other")),
      /no payee's account/,
    ],
    [
      "of a transfer of nobody here",
      () => event("transfer.reversed", { id: "tr_other" }),
      /no payout's transfer/,
    ],
    ["of an invoice of nobody here", () => event("invoice.paid", { id: "in_other" }), /no invoice of ours/],
    ["that nothing listens to", () => event("charge.succeeded", { id: "ch_1" }), /nothing here listens/],
  ])("%s is kept and ignored, with the reason", async (_, make, reason) => {
    const what = make() as { id: string };
    expect(await send(what)).toMatchObject({ status: 200 });
    const end = await ended(what.id);
    expect(end.state).toBe("ignored");
    expect(end.outcome).toMatch(reason);
  });

  test("in Stripe's thin form is about its related object", async () => {
    const what = {
      id: "evt_thin_1",
      object: "v2.core.event",
      type: "v2.core.account[requirements].updated",
      created: new Date().toISOString(),
      livemode: false,
      related_object: { id: adasAccount, type: "v2.core.account", url: `/v2/core/accounts/${adasAccount}` },
    };
    expect(await send(what)).toMatchObject({ status: 200 });
    expect(await ended(what.id)).toMatchObject({ state: "handled", outcome: "ada can receive payouts" });
  });
});

describe("what Stripe's own events do", () => {
  /** Pulls a lever of the simulator. */
  async function lever(path: string, body: unknown): Promise<unknown> {
    const response = await fetch(`${api.simulator}/_simulator${path}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    expect(response.ok).toBe(true);
    return response.json();
  }

  async function outcomes(type: string): Promise<(string | null)[]> {
    const { body } = await api.operator("GET", `${PATH}/events?type=${type}`);
    return (body as { data: Kept[] }).data
      .filter(({ state }) => state === "handled")
      .map(({ outcome }) => outcome);
  }

  const REASON = "Stripe asked for information by a day that is over";

  test("an account that Stripe restricts cannot be paid, and onboarding says what is missing, until it can again", async () => {
    await lever(`/accounts/${adasAccount}`, { transfers: "inactive", currently_due: ["external_account"] });
    await until(async () =>
      (await outcomes("account.updated")).some((said) => said?.includes(`cannot receive payouts: ${REASON}`)),
    );
    expect((await ada("GET", "/v1/payees/ada/onboarding")).body).toMatchObject({
      state: "incomplete",
      missing: ["external_account"],
    });
    expect((await ada("GET", "/v1/payees/ada/balances")).body).toMatchObject([
      {
        next_payout: {
          blocked_by: expect.arrayContaining([
            { code: "account_not_ready", message: expect.stringContaining(`(${REASON})`) },
          ]),
        },
      },
    ]);
    await lever(`/accounts/${adasAccount}`, { transfers: "active" });
    await until(async () => (await outcomes("account.updated"))[0] === "ada can receive payouts");
    expect((await ada("GET", "/v1/payees/ada/onboarding")).body).toMatchObject({
      state: "ready",
      missing: [],
    });
  });

  test("a payout to the bank is followed until it fails, and never goes back", async () => {
    const made = (await lever("/payouts", { account: adasAccount })) as { data?: { id: string }[] };
    await until(async () => (await outcomes("payout.created")).length > 0);
    const { body } = await ada("GET", "/v1/payees/ada/bank-payouts");
    const [payout] = (body as { data: { id: string; status: string }[] }).data;
    const id = payout?.id ?? "";
    expect(JSON.stringify(made)).toContain(id);
    const status = async () =>
      ((await ada("GET", "/v1/payees/ada/bank-payouts")).body as { data: { status: string }[] }).data[0]
        ?.status;
    await lever(`/payouts/${id}`, { status: "paid" });
    await until(async () => (await status()) === "paid");
    await lever(`/payouts/${id}`, { status: "failed", failure_code: "no_account" });
    await until(async () => (await status()) === "failed");
    const { body: all } = await api.operator("GET", `${PATH}/events?type=payout.paid`);
    for (const { id: again } of (all as { data: Kept[] }).data) {
      expect(await api.operator("POST", `${PATH}/events/${again}/replay`)).toMatchObject({ status: 202 });
      expect((await ended(again)).outcome).toMatch(/is failed, as we knew/);
    }
    expect(await status()).toBe("failed");
  });

  test("a reversal is told to the operator, and books nothing by itself", async () => {
    const before = (await ada("GET", "/v1/payees/ada/balances")).body as { payable: unknown }[];
    const stripe = new Stripe("sk_test_the_dashboard", {
      host: "127.0.0.1",
      port: new URL(api.simulator).port,
      protocol: "http",
    });
    const reversal = await stripe.transfers.createReversal(adasTransfer, { amount: 1 });
    await until(async () => (await outcomes("transfer.reversed")).length > 0);
    expect(await outcomes("transfer.reversed")).toEqual([
      `${reversal.id} of ${adasPayout} came back and is not in our books: an operator books it with POST /v1/payouts/${adasPayout}/reversals`,
    ]);
    const after = (await ada("GET", "/v1/payees/ada/balances")).body as { payable: unknown }[];
    expect(after[0]?.payable).toEqual(before[0]?.payable);
  });

  test("an account that was closed is noted, and gets no further link", async () => {
    await lever(`/accounts/${adasAccount}`, { closed: true });
    await until(async () => (await outcomes("account.application.deauthorized")).length > 0);
    expect((await ada("GET", "/v1/payees/ada/onboarding")).body).toMatchObject({ state: "closed" });
    expectProblem(await ada("POST", "/v1/payees/ada/onboarding-links"), 422, "stripe_account_invalid");
  });
});

test("the list of events is the operator's alone", async () => {
  expectProblem(await ada("GET", `${PATH}/events`), 403, "role_not_allowed");
});
