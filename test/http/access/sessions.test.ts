import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, type Call, OPERATOR_KEY, startTestApi, type TestApi } from "../../support/api.ts";
import { expectProblem } from "../../support/problem.ts";
import { SMALL_CATALOG } from "../../support/usage.ts";

let api: TestApi;
let anonymous: Call;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  anonymous = api.as(null);
});
afterAll(() => api.stop());

interface Browser {
  /** With the cookie, from the service's own page. */
  call: Call;
  cookie: string;
  /** What was answered when it signed in. */
  who: Record<string, unknown>;
}

const cookieOf = (answer: Answer) => answer.headers.get("set-cookie") ?? "";

async function signIn(key: string): Promise<Browser> {
  const answer = await anonymous("POST", "/v1/sessions", { api_key: key });
  expect(answer).toMatchObject({ status: 201 });
  const cookie = cookieOf(answer).split(";")[0] ?? "";
  const call: Call = (method, path, body, headers) =>
    anonymous(method, path, body, { Cookie: cookie, Origin: api.url, ...headers });
  return { call, cookie, who: answer.body as Record<string, unknown> };
}

async function makeKey(key: object): Promise<{ id: string; secret: string }> {
  return (await api.operator("POST", "/v1/keys", key)).body as { id: string; secret: string };
}

const adas = { role: "payee", payee: "ada", name: "ada's laptop" };

describe("a session", () => {
  test("acts exactly as its key: sees what it sees, and nothing else", async () => {
    const { secret } = await makeKey(adas);
    const { call, who } = await signIn(secret);
    expect(who).toMatchObject({
      role: "payee",
      payee: "ada",
      customer: null,
      scope: "write",
      name: "ada's laptop",
    });
    expect((await call("GET", "/v1/sessions/current")).body).toEqual(who);
    expect((await call("GET", "/v1/payees/ada/balances")).status).toBe(200);
    expectProblem(await call("GET", "/v1/payees/lin/balances"), 404, "not_found");
    expectProblem(await call("GET", "/v1/audit-log"), 403, "role_not_allowed");
  });

  test("of a key that only reads changes nothing, but may end", async () => {
    const { secret } = await makeKey({ ...adas, scope: "read" });
    const { call } = await signIn(secret);
    expectProblem(await call("POST", "/v1/payees/ada/onboarding-links"), 403, "scope_not_allowed");
    expect((await call("DELETE", "/v1/sessions/current")).status).toBe(204);
  });

  test("has a cookie that no script reads and no other site sends", async () => {
    const answer = await anonymous("POST", "/v1/sessions", { api_key: OPERATOR_KEY });
    expect(cookieOf(answer)).toMatch(
      /^tributary_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=604800$/,
    );
  });

  test("token stands nowhere in the database", async () => {
    const { cookie } = await signIn(OPERATOR_KEY);
    const rows = await api.sql<{ row: string }[]>`SELECT s::text AS row FROM session s`;
    expect(JSON.stringify(rows)).not.toContain(cookie.split("=")[1]);
  });

  test("is over when it is signed out, and the cookie is taken away", async () => {
    const { call } = await signIn(OPERATOR_KEY);
    const answer = await call("DELETE", "/v1/sessions/current");
    expect(answer.status).toBe(204);
    expect(cookieOf(answer)).toMatch(/^tributary_session=;.*Max-Age=0/);
    expectProblem(await call("GET", "/v1/sessions/current"), 401, "unauthenticated");
  });

  test("is over when its key is revoked or expires", async () => {
    const { id, secret } = await makeKey(adas);
    const { call } = await signIn(secret);
    await api.sql`UPDATE api_key SET expires_at = now() WHERE id = ${id}`;
    expectProblem(await call("GET", "/v1/sessions/current"), 401, "unauthenticated");
    await api.sql`UPDATE api_key SET expires_at = NULL WHERE id = ${id}`;
    expect((await call("GET", "/v1/sessions/current")).status).toBe(200);
    expect((await api.operator("DELETE", `/v1/keys/${id}`)).status).toBe(204);
    expectProblem(await call("GET", "/v1/sessions/current"), 401, "unauthenticated");
  });

  test.each([
    ["idle for half a day", "last_seen_at = now() - interval '12 hours 1 minute'"],
    ["a week old", "expires_at = now()"],
  ])("that is %s is over", async (_, change) => {
    const { call, who } = await signIn(OPERATOR_KEY);
    await api.sql.unsafe(`UPDATE session SET ${change} WHERE id = '${who.session}'`);
    expectProblem(await call("GET", "/v1/sessions/current"), 401, "unauthenticated");
  });

  test("of the configured key is over when another key is configured", async () => {
    const { call, who } = await signIn(OPERATOR_KEY);
    await api.sql`UPDATE session SET operator_proof = 'of another key' WHERE id = ${String(who.session)}`;
    expectProblem(await call("GET", "/v1/sessions/current"), 401, "unauthenticated");
  });

  test("is seen and ended by its owner from another one, and by nobody else", async () => {
    const { secret } = await makeKey(adas);
    const [first, second] = [await signIn(secret), await signIn(secret)];
    const { body } = await first.call("GET", "/v1/sessions");
    expect(body).toMatchObject({
      data: [
        { id: second.who.session, current: false },
        { id: first.who.session, current: true },
      ],
    });
    const path = `/v1/sessions/${second.who.session}`;
    const stranger = await signIn((await makeKey({ role: "payee", payee: "lin" })).secret);
    expectProblem(await stranger.call("DELETE", path), 404, "not_found");
    expect((await second.call("GET", "/v1/sessions/current")).status).toBe(200);
    expect((await first.call("DELETE", path)).status).toBe(204);
    expectProblem(await second.call("GET", "/v1/sessions/current"), 401, "unauthenticated");
  });

  test("is not begun with something that is no key", async () => {
    const answer = await anonymous("POST", "/v1/sessions", { api_key: "trib_payee_nothing-of-that-kind" });
    expectProblem(answer, 401, "unauthenticated");
    expect(cookieOf(answer)).toBe("");
  });
});

describe("a change with a cookie", () => {
  const PATH = "/v1/payees/ada/onboarding-links";

  test.each([
    ["from another site's page", { Origin: "https://evil.example" }],
    ["from a page without an origin", { Origin: "null" }],
    ["that does not say where it is from", { Origin: "" }],
    ["from another site, as the browser knows", { "Sec-Fetch-Site": "cross-site" }],
    ["from a sibling domain", { "Sec-Fetch-Site": "same-site" }],
  ])("%s is refused", async (_, headers) => {
    const { cookie } = await signIn((await makeKey(adas)).secret);
    const answer = await anonymous("POST", PATH, undefined, { Cookie: cookie, ...headers });
    expectProblem(answer, 403, "origin_not_allowed");
  });

  test("from one of the service's own pages is taken", async () => {
    const { cookie, call } = await signIn((await makeKey(adas)).secret);
    // She is finished, which is said only to whoever was let in.
    expectProblem(await call("POST", PATH), 409, "onboarding_complete");
    const headers = { Cookie: cookie, "Sec-Fetch-Site": "same-origin" };
    expectProblem(await anonymous("POST", PATH, undefined, headers), 409, "onboarding_complete");
  });

  test("is judged by its key alone when it has one", async () => {
    const [ada, lin] = [await makeKey(adas), await makeKey({ role: "payee", payee: "lin" })];
    const { cookie } = await signIn(ada.secret);
    const answer = await api.as(lin.secret)("POST", PATH, undefined, { Cookie: cookie, Origin: api.url });
    expectProblem(answer, 404, "not_found");
  });

  test("another site cannot sign its visitor in", async () => {
    const headers = { Origin: "https://evil.example" };
    const answer = await anonymous("POST", "/v1/sessions", { api_key: OPERATOR_KEY }, headers);
    expectProblem(answer, 403, "origin_not_allowed");
  });
});

test("with a public address under TLS the cookie is sent with TLS only", async () => {
  const secure = await startTestApi({ PUBLIC_URL: "https://money.example" });
  const answer = await secure.as(null)("POST", "/v1/sessions", { api_key: OPERATOR_KEY });
  expect(cookieOf(answer)).toMatch(/; Secure$/);
  await secure.stop();
});

test("as many attempts as one likes from one address are not taken", async () => {
  const body = { api_key: "no-key-at-all" };
  const answers = await Promise.all(
    Array.from({ length: 121 }, () => anonymous("POST", "/v1/sessions", body)),
  );
  expectProblem(answers.find(({ status }) => status === 429) as Answer, 429, "too_many_requests");
});
