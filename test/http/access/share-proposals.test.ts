import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, type Call, startTestApi, type TestApi } from "../../support/api.ts";
import { expectProblem } from "../../support/problem.ts";
import { SMALL_CATALOG, usageEvent } from "../../support/usage.ts";

let api: TestApi;
const as: Record<string, Call> = {};
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  await api.load({ payees: [{ id: "eve", name: "Eve", country: "US", default_currency: "USD" }] });
  for (const payee of ["ada", "lin", "eve"]) as[payee] = await api.keyFor({ role: "payee", payee });
  const endpoint = { payee: "lin", url: "https://example.com/hook" };
  expect(await api.operator("POST", "/v1/webhook-endpoints", endpoint)).toMatchObject({ status: 201 });
});
afterAll(() => api.stop());

const call = (payee: string, method: string, path: string, body?: unknown) =>
  (as[payee] as Call)(method, path, body);
const MODEL = "/v1/models/ada/llm/share-proposals";

interface Proposal {
  id: string;
  state: string;
}

async function propose(from: string, ada: number, lin: number): Promise<Proposal> {
  const shares = [
    { payee: "ada", weight: ada },
    { payee: "lin", weight: lin },
  ];
  const answer = await call("ada", "POST", MODEL, { effective_from: from, shares });
  expect(answer).toMatchObject({ status: 201, body: { state: "open" } });
  return answer.body as Proposal;
}

const say = (payee: string, verb: string, { id }: Proposal): Promise<Answer> =>
  call(payee, "POST", `/v1/share-proposals/${id}/${verb}`);
const told = async () => {
  const rows = await api.sql<
    { type: string }[]
  >`SELECT type FROM webhook_message WHERE type LIKE 'share.%' ORDER BY message_no`;
  return rows.map(({ type }) => type);
};

describe("shares of a model's income", () => {
  test("hold from their date on once everybody named has accepted, and everybody sees how it came", async () => {
    const proposal = await propose("2023-11-20T00:00:00Z", 60, 40);
    expect(await told()).toEqual(["share.proposed"]);
    expect(await say("lin", "accept", proposal)).toMatchObject({ status: 200, body: { state: "accepted" } });
    expect(await say("lin", "accept", proposal)).toMatchObject({ status: 200, body: { state: "accepted" } });
    expect(await told()).toEqual(["share.proposed", "share.accepted"]);
    for (const payee of ["ada", "lin"]) {
      const { body } = await call(payee, "GET", "/v1/share-proposals");
      expect(body).toMatchObject({
        data: [{ id: proposal.id, shares: [{ payee: "ada" }, { payee: "lin", answer: "accepted" }] }],
      });
    }
    const metrics = { input_token_count: 10_000_000 };
    await api.send(
      usageEvent({ id: "before", time: "2023-11-10T00:00:00Z", metrics }),
      usageEvent({ id: "after", time: "2023-11-21T00:00:00Z", metrics }),
    );
    const earned = async (payee: string) => {
      const { body } = await call(payee, "GET", `/v1/payees/${payee}/earnings?currency=USD`);
      return Number((body as { total: { amount: string } }).total.amount);
    };
    const [ada, lin] = [await earned("ada"), await earned("lin")];
    // Of two equal earnings the first was ada's alone; of the second she has 60 of 100.
    expect(lin).toBeGreaterThan(0);
    expect(ada / lin).toBeCloseTo(160 / 40, 6);
  });

  test("are held alone for a payee whose account is not ready; the others are paid", async () => {
    const [{ account }] =
      (await api.sql`SELECT stripe_account AS account FROM payee WHERE id = 'lin'`) as unknown as [
        { account: string },
      ];
    expect(account).toMatch(/^acct_/);
    await api.operator("PUT", "/v1/payees/lin/freeze", { reason: "not onboarded" });
    for (const step of ["close", "plan", "approve", "pay"])
      expect(await api.operator("POST", `/v1/settlements/2023-11/${step}`)).toMatchObject({ status: 200 });
    const payouts = async (payee: string) =>
      ((await call(payee, "GET", `/v1/payees/${payee}/payouts`)).body as { data: unknown[] }).data;
    expect(await payouts("ada")).toMatchObject([{ state: "paid" }]);
    expect(await payouts("lin")).toEqual([]);
    const { body } = await call("lin", "GET", "/v1/payees/lin/balances");
    expect(body).toMatchObject([{ next_payout: { blocked_by: [{ code: "frozen" }] } }]);
  });

  test("that lie in the metered past by the time of the last yes lapse, and say from when they could hold", async () => {
    const proposal = await propose("2023-12-05T00:00:00Z", 1, 1);
    await api.send(usageEvent({ id: "meanwhile", time: "2023-12-10T00:00:00Z" }));
    const answer = await say("lin", "accept", proposal);
    expect(answer).toMatchObject({
      status: 200,
      body: { state: "lapsed", reason: expect.stringContaining("2023-12-10T") },
    });
  });

  test("that could not hold any more are asked of nobody", async () => {
    const told = await call("lin", "GET", "/v1/share-proposals");
    const shares = ["ada", "lin"].map((payee) => ({ payee, weight: 7 }));
    const answer = await call("ada", "POST", MODEL, { effective_from: "2023-11-05T00:00:00Z", shares });
    expectProblem(answer, 409, "effective_from_in_metered_past", "effective_from");
    expect((answer.body as { detail: string }).detail).toContain("2023-1");
    expect((await call("lin", "GET", "/v1/share-proposals")).body).toEqual(told.body);
  });

  test("come to nothing with one no, and nobody changes an answer", async () => {
    const proposal = await propose("2030-01-01T00:00:00Z", 1, 2);
    const reasoned = await call("lin", "POST", `/v1/share-proposals/${proposal.id}/decline`, {
      reason: "too few",
    });
    expectProblem(reasoned, 400, "body_invalid");
    expect((reasoned.body as { detail: string }).detail).toContain("reason");
    expect(await say("lin", "decline", proposal)).toMatchObject({
      status: 200,
      body: { state: "declined", reason: "lin" },
    });
    expectProblem(await say("lin", "accept", proposal), 409, "proposal_closed");
    expect((await told()).at(-1)).toBe("share.declined");
  });

  test("are taken back by their owner while they are open, and by nobody else", async () => {
    const proposal = await propose("2030-02-01T00:00:00Z", 1, 3);
    expectProblem(await say("lin", "withdraw", proposal), 404, "not_found");
    expect(await say("ada", "withdraw", proposal)).toMatchObject({
      status: 200,
      body: { state: "withdrawn" },
    });
    expectProblem(await say("lin", "accept", proposal), 409, "proposal_closed");
  });

  test("are proposed by the owner alone, with everybody who shares now, among payees that there are", async () => {
    const body = (...payees: string[]) => ({
      effective_from: "2030-03-01T00:00:00Z",
      shares: payees.map((payee) => ({ payee, weight: 1 })),
    });
    expectProblem(await call("eve", "POST", MODEL, body("eve", "ada", "lin")), 404, "not_found");
    expectProblem(await call("ada", "POST", MODEL, body("ada", "eve")), 422, "policy_invalid", "shares");
    expectProblem(await call("ada", "POST", MODEL, body("ada", "lin", "nobody")), 422, "payee_unknown");
    expectProblem(await call("ada", "POST", MODEL, body("ada", "ada")), 400, "body_invalid");
  });

  test("are seen and answered by nobody who is not named", async () => {
    const proposal = await propose("2030-04-01T00:00:00Z", 1, 4);
    for (const verb of ["accept", "decline", "withdraw"])
      expectProblem(await say("eve", verb, proposal), 404, "not_found");
    expectProblem(await call("eve", "GET", `/v1/share-proposals/${proposal.id}`), 404, "not_found");
    expect((await call("eve", "GET", "/v1/share-proposals")).body).toEqual({ data: [], next_cursor: null });
  });

  test("that everybody accepts at once are one policy", async () => {
    const proposal = await propose("2030-05-01T00:00:00Z", 1, 5);
    const answers = await Promise.all(Array.from({ length: 6 }, () => say("lin", "accept", proposal)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(await call("ada", "GET", `/v1/share-proposals/${proposal.id}`)).toMatchObject({
      body: { state: "accepted" },
    });
    const policies = await api.sql`SELECT FROM revenue_policy WHERE effective_from = '2030-05-01'`;
    expect(policies).toHaveLength(1);
  });
});
