import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { present } from "../../../src/kernel/index.ts";
import { type Call, startTestApi, type TestApi } from "../../support/api.ts";
import { expectProblem } from "../../support/problem.ts";
import { SMALL_CATALOG, usageEvent } from "../../support/usage.ts";
import { type Mailbox, openMailbox } from "./mailbox.ts";
import { register, signInByMail } from "./people.ts";

let api: TestApi;
let mailbox: Mailbox;
beforeAll(async () => {
  mailbox = await openMailbox();
  api = await startTestApi({
    DATA_DIR: mailbox.dataDir,
    MAIL_INTERVAL_MS: "50",
    TWO_PERSON_APPROVAL: "on",
    CORRECTION_APPROVAL_LIMITS: "USD=5",
  });
  await api.load(SMALL_CATALOG);
});
afterAll(async () => {
  await api.stop();
  await mailbox.remove();
});

const operator = (...duties: string[]) => ({ role: "operator", duties });
const signIn = (email: string) => signInByMail(api, mailbox, email);

const CREDIT = { kind: "credit", payee: "ada", currency: "USD", amount: "100", reason: "goodwill" };

/** A credit above the limit: where it is approved. */
async function proposeCredit(call: Call): Promise<string> {
  const made = await call("POST", "/v1/corrections", CREDIT);
  expect(made).toMatchObject({ status: 201, body: { correction: { state: "needs_approval" } } });
  return `/v1/corrections/${(made.body as { correction: { id: string } }).correction.id}/approve`;
}

/** Makes a key, an operator's unless it is told otherwise, and calls with it. */
async function keyOf(call: Call, path = "/v1/keys", key: object = { role: "operator" }) {
  const made = await call("POST", path, key);
  expect(made).toMatchObject({ status: 201 });
  const { id, secret } = made.body as { id: string; secret: string };
  return { id, call: api.as(secret) };
}

describe("a user", () => {
  test.each([
    [{ role: "payee", duties: ["owner"] }, "payee"],
    [{ role: "operator", duties: ["maker"], payee: "ada" }, "payee"],
    [{ role: "customer", duties: [] }, "customer"],
    [{ role: "operator", duties: [] }, "duties"],
    [{ role: "operator", duties: ["owner"] }, "duties"],
    [{ role: "payee", payee: "ada", duties: ["owner", "viewer"] }, "duties"],
    [{ role: "operator", duties: ["maker"], email: "nobody" }, "email"],
  ])("with %j is refused and names %s", async (terms, path) => {
    const body = { email: "x@example.com", ...terms };
    expectProblem(await api.operator("PUT", "/v1/users/x", body), 400, "body_invalid", path);
  });

  test.each([
    { role: "payee", payee: "nobody", duties: ["owner"] },
    { role: "customer", customer: "nobody" },
  ])("of a $role that does not exist is refused", async (terms) => {
    const body = { email: "x@example.com", ...terms };
    expectProblem(await api.operator("PUT", "/v1/users/x", body), 422, `${terms.role}_unknown`, terms.role);
  });

  test("is bound to one role for good, and one address has a role once", async () => {
    await register(api, "bo", operator("maker"));
    const payees = { email: "bo@example.com", role: "payee", payee: "ada", duties: ["owner"] };
    const { call } = await signIn("bo@example.com");
    const bound = { ...payees, email: "other@example.com" };
    for (const terms of [payees, bound])
      expectProblem(await api.operator("PUT", "/v1/users/bo", terms), 409, "user_exists");
    expect((await call("GET", "/v1/sessions/current")).status).toBe(200);
    const again = { email: "BO@example.com", ...operator("approver") };
    expectProblem(await api.operator("PUT", "/v1/users/bo-again", again), 409, "user_exists", "email");
  });

  test("who is disabled is out at once, and in again when registered again", async () => {
    await register(api, "cleo", { role: "payee", payee: "ada", duties: ["viewer"] });
    const { call } = await signIn("cleo@example.com");
    expect((await api.operator("DELETE", "/v1/users/cleo")).status).toBe(204);
    expectProblem(await call("GET", "/v1/sessions/current"), 401, "unauthenticated");
    await register(api, "cleo", { role: "payee", payee: "ada", duties: ["viewer"] });
    expectProblem(await call("GET", "/v1/sessions/current"), 401, "unauthenticated");
    const again = await signIn("cleo@example.com");
    expect((await again.call("GET", "/v1/sessions/current")).status).toBe(200);
  });

  test("whose address was changed is out, and becomes nobody else who has that address", async () => {
    await register(api, "chief", operator("maker", "approver"));
    await register(api, "evil", { role: "payee", payee: "ada", duties: ["owner"] });
    const { call } = await signIn("evil@example.com");
    const token = await mailbox.nextToken("evil@example.com", () =>
      api.as(null)("POST", "/v1/login-links", { email: "evil@example.com" }),
    );
    const chiefs = { email: "chief@example.com", role: "payee", payee: "ada", duties: ["owner"] };
    expect((await call("PUT", "/v1/users/evil", chiefs)).status).toBe(200);
    expectProblem(await call("POST", "/v1/sessions", { user: "chief" }), 401, "unauthenticated");
    expectProblem(
      await api.as(null)("POST", "/v1/sessions", { login_token: token }),
      401,
      "login_token_invalid",
    );
    // Also a session that outlived the change would be nobody but itself.
    await api.sql`UPDATE session SET revoked_at = NULL WHERE app_user = 'evil'`;
    expect((await call("GET", "/v1/sessions/current")).body).toMatchObject({ payee: "ada", others: [] });
    expectProblem(await call("POST", "/v1/sessions", { user: "chief" }), 403, "no_such_user");
    // The person with that mailbox is both.
    expect((await signIn("chief@example.com")).who).toMatchObject({ others: [{ user: "evil" }] });
  });
});

test("a correction is taken back by who proposed it, through a key too, or by an approver; it is not booked any more and says who and why", async () => {
  for (const [id, duty] of [
    ["wanda", "maker"],
    ["walt", "maker"],
    ["wim", "approver"],
  ] as const)
    await register(api, id, operator(duty));
  const [wanda, walt, wim] = await Promise.all(
    ["wanda", "walt", "wim"].map(async (id) => (await signIn(`${id}@example.com`)).call),
  );
  const reason = { reason: "the refund came otherwise" };
  const propose = async () => (await proposeCredit(present(wanda, "a call"))).replace(/\/approve$/, "");
  const first = await propose();
  const approve = () => present(wim, "a call")("POST", `${first}/approve`);
  expectProblem(await present(walt, "a call")("POST", `${first}/withdraw`, reason), 403, "duty_not_allowed");
  expect(await present(wanda, "a call")("POST", `${first}/withdraw`, reason)).toMatchObject({
    status: 200,
    body: { state: "withdrawn", withdrawn_by: "user:wanda", withdrawn_reason: reason.reason },
  });
  expectProblem(await approve(), 409, "proposal_closed");
  const second = await propose();
  expect((await present(wim, "a call")("POST", `${second}/withdraw`, reason)).status).toBe(200);
  const { body } = await api.operator("GET", "/v1/corrections?limit=2");
  expect(body).toMatchObject({
    data: [{ state: "withdrawn", withdrawn_by: "user:wim" }, { state: "withdrawn" }],
  });
  const third = await propose();
  expect((await present(wim, "a call")("POST", `${third}/approve`)).status).toBe(200);
  expectProblem(
    await present(wanda, "a call")("POST", `${third}/withdraw`, reason),
    409,
    "correction_booked",
  );
  expectProblem(await api.operator("POST", "/v1/corrections/cor_none/withdraw", reason), 404, "not_found");
});

describe("of a payee", () => {
  const adas = (...duties: string[]) => ({ role: "payee", payee: "ada", duties });

  test("a viewer sees everything of it and changes nothing", async () => {
    await register(api, "vera", adas("viewer"));
    const { call, who } = await signIn("vera@example.com");
    expect(who).toMatchObject({ role: "payee", payee: "ada", scope: "read", duties: ["viewer"] });
    expect((await call("GET", "/v1/payees/ada/balances")).status).toBe(200);
    expectProblem(await call("GET", "/v1/payees/lin/balances"), 404, "not_found");
    expectProblem(await call("POST", "/v1/payees/ada/onboarding-links"), 403, "scope_not_allowed");
    expectProblem(await call("DELETE", "/v1/users/vera"), 403, "scope_not_allowed");
  });

  test("an owner registers people of its own payee, and of no other", async () => {
    await register(api, "olga", adas("owner"));
    await register(api, "lins", { role: "payee", payee: "lin", duties: ["owner"] });
    const { call } = await signIn("olga@example.com");
    const put = (id: string, terms: object) =>
      call("PUT", `/v1/users/${id}`, { email: `${id}@example.com`, ...terms });
    expect((await put("otto", adas("viewer"))).status).toBe(200);
    expectProblem(await put("eve", { role: "payee", payee: "lin", duties: ["owner"] }), 404, "not_found");
    expectProblem(await put("eve", operator("maker")), 403, "role_not_allowed");
    expectProblem(await put("lins", adas("viewer")), 404, "not_found");
    expectProblem(await call("GET", "/v1/users/lins"), 404, "not_found");
    expectProblem(await call("DELETE", "/v1/users/lins"), 404, "not_found");
    const key = await api.operator("POST", "/v1/keys", { role: "payee", payee: "ada" });
    const leaked = api.as((key.body as { secret: string }).secret);
    const mine = { email: "thief@example.com", ...adas("owner") };
    for (const id of ["thief", "otto"])
      expectProblem(await leaked("PUT", `/v1/users/${id}`, mine), 403, "role_not_allowed");
    expectProblem(await leaked("DELETE", "/v1/users/olga"), 403, "role_not_allowed");
    const { body } = await call("GET", "/v1/users");
    const { data } = body as { data: { payee: string }[] };
    expect(data.map(({ payee }) => payee)).toEqual(data.map(() => "ada"));
  });
});

describe("of the operator", () => {
  test("support sees everything and changes nothing", async () => {
    await register(api, "sue", operator("support"));
    const { call } = await signIn("sue@example.com");
    expect((await call("GET", "/v1/payees/ada/balances")).status).toBe(200);
    expectProblem(await call("POST", "/v1/payouts/stop", { reason: "x" }), 403, "scope_not_allowed");
  });

  test("the maker plans, the approver approves; neither does the other's part", async () => {
    await register(api, "mia", operator("maker"));
    await register(api, "ann", operator("approver"));
    const [mia, ann] = [await signIn("mia@example.com"), await signIn("ann@example.com")];
    await api.send(usageEvent({ id: "p1", metrics: { input_token_count: 100_000 } }));
    const month = (step: string) => `/v1/settlements/2023-11/${step}`;
    expect((await mia.call("POST", month("close"))).status).toBe(200);
    expectProblem(await ann.call("POST", month("plan")), 403, "duty_not_allowed");
    expect((await mia.call("POST", month("plan"))).status).toBe(200);
    expectProblem(await mia.call("POST", month("approve")), 403, "duty_not_allowed");
    expect((await ann.call("POST", month("approve"))).status).toBe(200);
  });

  test("the maker proposes a correction, the approver approves it; neither does the other's part", async () => {
    await register(api, "mel", operator("maker"));
    await register(api, "abe", operator("approver"));
    const [mel, abe] = [await signIn("mel@example.com"), await signIn("abe@example.com")];
    const approve = await proposeCredit(mel.call);
    expectProblem(await abe.call("POST", "/v1/corrections", CREDIT), 403, "duty_not_allowed");
    expectProblem(await mel.call("POST", approve), 403, "duty_not_allowed");
    expect(await abe.call("POST", approve)).toMatchObject({
      status: 200,
      body: { state: "booked", proposed_by: "user:mel", approved_by: "user:abe" },
    });
  });

  test("one person is one, with or without a key: who proposes approves with no key of their own", async () => {
    await register(api, "both", operator("maker", "approver"));
    const { call } = await signIn("both@example.com");
    const first = await keyOf(call);
    const second = await keyOf(first.call);
    const rotated = await keyOf(second.call, `/v1/keys/${second.id}/rotate`, {});
    const approve = await proposeCredit(call);
    for (const same of [call, first.call, second.call, rotated.call])
      expectProblem(await same("POST", approve), 409, "approver_made_plan");
    const byKey = await proposeCredit(rotated.call);
    for (const same of [call, first.call])
      expectProblem(await same("POST", byKey), 409, "approver_made_plan");
    const root = await keyOf(api.operator);
    const byRoot = await proposeCredit(api.operator);
    const byHanded = await proposeCredit(root.call);
    const rootsOwn = await keyOf(root.call);
    expectProblem(await api.operator("POST", byRoot), 409, "approver_made_plan");
    expectProblem(await rootsOwn.call("POST", byHanded), 409, "approver_made_plan");
    expect((await api.operator("POST", byHanded)).status).toBe(200);
    expect(await root.call("POST", approve)).toMatchObject({ status: 200, body: { state: "booked" } });
    expect(await first.call("POST", byRoot)).toMatchObject({ status: 200, body: { state: "booked" } });
  });

  test.each([
    ["is removed", "gone", (id: string) => api.operator("DELETE", `/v1/users/${id}`)],
    [
      "is not maker and approver any more",
      "less",
      (id: string) =>
        api.operator("PUT", `/v1/users/${id}`, { email: `${id}@example.com`, ...operator("support") }),
    ],
  ])(
    "who %s leaves no operator key behind; keys of programs work on, and say who made them",
    async (_, id, leave) => {
      await register(api, id, operator("maker", "approver"));
      const { call } = await signIn(`${id}@example.com`);
      const [own, ingest] = [await keyOf(call), await keyOf(call, "/v1/keys", { role: "ingest" })];
      const made = await keyOf(own.call);
      const { body } = await api.operator("GET", "/v1/keys?limit=1000");
      const makers = new Map(
        (body as { data: { id: string; made_by: string }[] }).data.map((key) => [key.id, key.made_by]),
      );
      expect([own, ingest, made].map((key) => makers.get(key.id))).toEqual([
        `user:${id}`,
        `user:${id}`,
        own.id,
      ]);
      expect((await made.call("GET", "/v1/users")).status).toBe(200);
      expect((await leave(id)).status).toBeLessThan(300);
      for (const key of [own, made])
        expectProblem(await key.call("GET", "/v1/users"), 401, "unauthenticated");
      expectProblem(await ingest.call("GET", "/v1/users"), 403, "role_not_allowed");
    },
  );

  test("nobody with one of the two duties gives away the other", async () => {
    await register(api, "max", operator("maker"));
    const { call } = await signIn("max@example.com");
    const key = { role: "operator" };
    expectProblem(await call("POST", "/v1/keys", key), 403, "duty_not_allowed");
    const approver = { email: "max2@example.com", ...operator("approver") };
    expectProblem(await call("PUT", "/v1/users/max2", approver), 403, "duty_not_allowed");
    await register(api, "boss", operator("maker", "approver"));
    const boss = await signIn("boss@example.com");
    expect((await boss.call("POST", "/v1/keys", key)).status).toBe(201);
  });
});

test("who has several roles goes on as another of them without signing in again, and as nobody else", async () => {
  const terms = { email: "rob@example.com", role: "payee", duties: ["viewer"] };
  await register(api, "rob-ada", { ...terms, payee: "ada" });
  await register(api, "rob-lin", { ...terms, payee: "lin" });
  await register(api, "not-rob", { role: "payee", payee: "lin", duties: ["owner"] });
  const { call, who } = await signIn("rob@example.com");
  expect(who).toMatchObject({ payee: "ada", others: [{ user: "rob-lin", role: "payee", payee: "lin" }] });
  expect(await call("POST", "/v1/sessions", { user: "rob-lin" })).toMatchObject({
    status: 201,
    body: { payee: "lin", others: [{ user: "rob-ada" }] },
  });
  expectProblem(await call("POST", "/v1/sessions", { user: "not-rob" }), 403, "no_such_user");
});
