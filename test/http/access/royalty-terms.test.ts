import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runChecks } from "../../../src/audit/index.ts";
import { type Call, startTestApi, type TestApi } from "../../support/api.ts";
import { expectProblem } from "../../support/problem.ts";
import { SMALL_CATALOG, tokenPrice, usageEvent } from "../../support/usage.ts";

// Ada's ada/llm is the base; lin makes models from it, eve has nothing to do with either.
let api: TestApi;
let [ada, lin, eve]: Call[] = [];
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  await api.load({
    payees: [{ id: "eve", name: "Eve", country: "US", default_currency: "USD" }],
    models: [{ id: "lin/before", payee: "lin", base_model: "ada/llm" }],
  });
  [ada, lin, eve] = await Promise.all(
    ["ada", "lin", "eve"].map((payee) => api.keyFor({ role: "payee", payee })),
  );
  await api.operator("POST", "/v1/webhook-endpoints", { payee: "ada", url: "https://example.com/hook" });
});
afterAll(() => api.stop());

const OFFERS = "/v1/models/ada/llm/royalty-terms";
const WORDING = "For every model made from this one.\nHowever much of it is changed.";

interface Terms {
  id: string;
  state: string;
}

async function offer(percent: string): Promise<Terms> {
  const answer = await (ada as Call)("POST", OFFERS, { percent, wording: WORDING });
  expect(answer).toMatchObject({ status: 201, body: { state: "in_force", percent, of: "gross" } });
  return answer.body as Terms;
}

const accept = (call: Call | undefined, { id }: Terms, model: string) =>
  (call as Call)("POST", `/v1/royalty-terms/${id}/accept`, { model });
const register = (model: string, more: object = {}) =>
  api.operator("PUT", `/v1/models/${model}`, { payee: "lin", base_model: "ada/llm", ...more });
const acceptances = async (call: Call | undefined) => {
  const { body } = await (call as Call)("GET", "/v1/royalty-acceptances");
  return (body as { data: { model: string; hash: string }[] }).data;
};
const policiesOf = async (model: string) =>
  ((await api.operator("GET", `/v1/models/${model}`)).body as { policies: { steps: object[] }[] }).policies;

describe("royalty terms of a base model", () => {
  test("are offered by its owner, and shown to every payee", async () => {
    expectProblem(await (lin as Call)("POST", OFFERS, { percent: "5", wording: "mine" }), 404, "not_found");
    const { id } = await offer("5");
    for (const call of [ada, lin, eve, api.operator]) {
      const { body } = await (call as Call)("GET", OFFERS);
      expect(body).toMatchObject({ data: [{ id, offered_by: "ada", wording: WORDING, state: "in_force" }] });
    }
    const past = { percent: "5", wording: "x", effective_from: "2020-01-01T00:00:00Z" };
    expectProblem(await (ada as Call)("POST", OFFERS, past), 400, "body_invalid", "effective_from");
    const wrong = { percent: "101", wording: "x" };
    expectProblem(await (ada as Call)("POST", OFFERS, wrong), 400, "body_invalid", "percent");
  });

  test("must be accepted before a model is registered; then its policy carries them from its beginning", async () => {
    const terms = await offer("10");
    const refused = await register("lin/tuned");
    expectProblem(refused, 409, "royalty_terms_not_accepted", "royalty_terms");
    expect((refused.body as { detail: string }).detail).toContain(`/v1/royalty-terms/${terms.id}/accept`);
    const accepted = await accept(lin, terms, "lin/tuned");
    expect(accepted).toMatchObject({
      status: 201,
      body: { terms: terms.id, payee: "lin", accepted_as: "payee", registered: false, carried: null },
    });
    expect(await accept(lin, terms, "lin/tuned")).toMatchObject({ status: 201, body: accepted.body });
    expect(await register("lin/tuned")).toMatchObject({ status: 200 });
    expect(await register("lin/tuned"), "registered again, nothing changes").toMatchObject({ status: 200 });
    expect(await policiesOf("lin/tuned")).toMatchObject([
      {
        steps: [
          { take: "platform", percent: "20" },
          { take: "royalty", percent: "10", of: "gross" },
          { take: "shares" },
        ],
      },
    ]);
    await api.load({ prices: [tokenPrice("lin/tuned")] });
    await api.send(usageEvent({ id: "tuned", model: "lin/tuned", metrics: { input_token_count: 10_000 } }));
    const { body } = await (ada as Call)("GET", "/v1/payees/ada/earnings?group_by=model&currency=USD");
    expect(body).toMatchObject({
      data: [{ model: "lin/tuned", reason: "royalty", earned: { amount: "1.000000000" } }],
    });
    const [told] =
      await api.sql`SELECT to_jsonb(m) AS message FROM webhook_message m WHERE type = 'royalty.accepted'`;
    expect(JSON.stringify(told)).toContain("lin/tuned");
  });

  test("are seen with who accepted them by both sides and the operator, and by nobody else", async () => {
    const both = await acceptances(ada);
    expect(both).toMatchObject([
      { model: "lin/tuned", registered: true, carried: { percent: "10", of: "gross" }, accepted_as: "payee" },
    ]);
    expect(both[0]?.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(await acceptances(lin)).toEqual(both);
    expect(await acceptances(api.operator)).toEqual(both);
    expect(await acceptances(eve)).toEqual([]);
  });

  test("hold for whoever accepted them, whatever is offered later; an operator may post another policy", async () => {
    const next = await offer("30");
    expect(await policiesOf("lin/tuned")).toMatchObject([{ steps: [{}, { percent: "10" }, {}] }]);
    const steps = [
      { take: "platform", percent: "20" },
      { take: "royalty", percent: "3" },
      { take: "shares", shares: [{ payee: "$owner", weight: 1 }] },
    ];
    const from = { effective_from: new Date(Date.now() + 3_600_000).toISOString() };
    expect(await api.operator("POST", "/v1/models/lin/tuned/policies", { ...from, steps })).toMatchObject({
      status: 201,
    });
    expect(await acceptances(lin)).toMatchObject([{ percent: "10", carried: { percent: "10" } }]);
    const { body } = await (lin as Call)("GET", OFFERS);
    const states = (body as { data: Terms[] }).data.map(({ state }) => state);
    expect(states).toEqual(["in_force", "replaced", "replaced"]);
    const late = { id: (body as { data: Terms[] }).data[1]?.id ?? "", state: "" };
    expectProblem(await accept(lin, late, "lin/other"), 409, "royalty_terms_replaced");
    expectProblem(await accept(lin, next, "lin/tuned"), 409, "model_registered");
    expectProblem(await accept(eve, next, "lin/tuned"), 404, "not_found");
    expectProblem(await accept(eve, { id: "rt_none", state: "" }, "eve/llm"), 404, "not_found");
  });

  test("may be accepted by an operator in the payee's name, with the model or an import of many", async () => {
    const terms = await offer("7");
    expectProblem(
      await register("lin/three", { royalty_terms: "rt_other" }),
      409,
      "royalty_terms_not_accepted",
    );
    expect(await register("lin/three", { royalty_terms: terms.id })).toMatchObject({ status: 200 });
    const row = { id: "lin/four", payee: "lin", base_model: "ada/llm" };
    const models = [row, { ...row, id: "ada/own", payee: "ada" }];
    const load = (document: object) => api.operator("POST", "/v1/catalog/import", document);
    expectProblem(await load({ models }), 409, "royalty_terms_not_accepted", "models[0].royalty_terms");
    const agreed = { ...row, royalty_terms: terms.id };
    const steps = (percent: string) => [
      { take: "royalty", percent },
      { take: "shares", shares: [{ payee: "$owner", weight: 1 }] },
    ];
    const policy = (percent: string) => ({
      model: "lin/four",
      effective_from: "0001-01-01T00:00:00Z",
      steps: steps(percent),
    });
    const own = await load({ models: [agreed], policies: [policy("2")] });
    expectProblem(own, 422, "policy_invalid", "policies[0].steps");
    expect(await load({ models: [agreed], policies: [policy("7")] })).toMatchObject({ status: 201 });
    const found = await acceptances(api.operator);
    expect(found).toMatchObject([
      { model: "lin/four", accepted_as: "operator", registered: true, carried: { percent: "7" } },
      { model: "lin/three", accepted_as: "operator", registered: true, carried: { percent: "7" } },
      { model: "lin/tuned" },
    ]);
    // Whose base it is needs nobody's leave, and what was registered before goes on as it is.
    expect(await load({ models: [models[1], { ...row, id: "lin/before" }] })).toMatchObject({ status: 201 });
  });

  test("that leave nothing for anybody else refuse the registration, and say so", async () => {
    const terms = await offer("90");
    const refused = await register("lin/poor", { royalty_terms: terms.id });
    expectProblem(refused, 422, "policy_invalid", "royalty_terms");
    expect((await api.operator("GET", "/v1/models/lin/poor")).status).toBe(404);
  });

  test("are taken back while nobody has accepted them, and those before are in force again", async () => {
    const [before, wrong] = [await offer("12"), await offer("99")];
    const withdraw = (call: Call | undefined, id: string) =>
      (call as Call)("POST", `/v1/royalty-terms/${id}/withdraw`);
    expectProblem(await withdraw(lin, wrong.id), 404, "not_found");
    expectProblem(await withdraw(ada, before.id), 409, "royalty_terms_replaced");
    const taken = await withdraw(ada, wrong.id);
    expect(taken).toMatchObject({ status: 200, body: { id: wrong.id, state: "withdrawn" } });
    expect(await withdraw(ada, wrong.id)).toEqual({ ...taken, headers: expect.anything() });
    expectProblem(await accept(lin, wrong, "lin/late"), 409, "royalty_terms_replaced");
    expect(await accept(lin, before, "lin/early")).toMatchObject({ status: 201, body: { percent: "12" } });
    expectProblem(await withdraw(ada, before.id), 409, "royalty_terms_accepted");
    const { body } = await (ada as Call)("GET", "/v1/royalty-terms");
    const all = (body as { data: Terms[] }).data;
    const paged: Terms[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const after: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const page = (await (ada as Call)("GET", `/v1/royalty-terms?limit=1${after}`)).body as {
        data: Terms[];
        next_cursor: string | null;
      };
      paged.push(...page.data);
      cursor = page.next_cursor;
    }
    expect(paged).toEqual(all);
    const states = (body as { data: Terms[] }).data.map(({ state }) => state);
    expect(states.slice(0, 3)).toEqual(["withdrawn", "in_force", "replaced"]);
    expect((await (lin as Call)("GET", "/v1/royalty-terms")).body).toEqual({ data: [], next_cursor: null });
  });

  test("end for those who come later; who accepted before registers under what was accepted", async () => {
    const terms = await offer("11");
    const ending = (call: Call | undefined, body: object) =>
      (call as Call)("POST", `/v1/royalty-terms/${terms.id}/end`, body);
    expect(await accept(lin, terms, "lin/agreed")).toMatchObject({ status: 201 });
    expectProblem(await ending(lin, {}), 404, "not_found");
    const past = { ends_at: "2020-01-01T00:00:00Z" };
    expectProblem(await ending(ada, past), 400, "body_invalid", "ends_at");
    const ended = await ending(ada, {});
    expect(ended).toMatchObject({ status: 200, body: { state: "ended" } });
    expect((await ending(ada, {})).body).toEqual(ended.body);
    expectProblem(await ending(ada, { ends_at: "2199-01-01T00:00:00Z" }), 409, "royalty_terms_ended");
    expectProblem(await accept(lin, terms, "lin/free"), 409, "royalty_terms_replaced");
    expect(await register("lin/free")).toMatchObject({ status: 200 });
    expect(await policiesOf("lin/free")).toEqual([]);
    expect(await register("lin/agreed")).toMatchObject({ status: 200 });
    expect(await policiesOf("lin/agreed")).toMatchObject([{ steps: [{}, { percent: "11" }, {}] }]);
    // What was accepted of terms that were replaced since holds too; another offer is not meant by it.
    expectProblem(
      await register("lin/early", { royalty_terms: terms.id }),
      409,
      "royalty_terms_not_accepted",
    );
    expect(await register("lin/early")).toMatchObject({ status: 200 });
    expect(await policiesOf("lin/early")).toMatchObject([{ steps: [{}, { percent: "12" }, {}] }]);
  });

  test("are either accepted or taken back, when both happen in the same moment", async () => {
    const rounds = Array.from({ length: 8 }, (_, round) => round);
    for (const round of rounds) {
      const terms = await offer("4");
      const [accepted, taken] = await Promise.all([
        accept(lin, terms, `lin/raced-${round}`),
        (ada as Call)("POST", `/v1/royalty-terms/${terms.id}/withdraw`),
      ]);
      expect([accepted.status, taken.status].sort()).toEqual(
        accepted.status === 201 ? [201, 409] : [200, 409],
      );
    }
  });

  test("are never changed, and the laws of the books hold", async () => {
    for (const table of ["royalty_terms", "royalty_terms_end", "royalty_acceptance", "royalty_registration"])
      await expect(api.sql.unsafe(`DELETE FROM ${table}`)).rejects.toThrow();
    const broken = (await runChecks(api.sql)).filter(({ differences }) => differences.length > 0);
    expect(broken).toEqual([]);
  });
});
