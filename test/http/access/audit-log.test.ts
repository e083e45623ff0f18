import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runChecks } from "../../../src/audit/index.ts";
import { OPERATOR_KEY, startTestApi, type TestApi } from "../../support/api.ts";
import { expectProblem } from "../../support/problem.ts";
import { SMALL_CATALOG, usageEvent } from "../../support/usage.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
});
afterAll(() => api.stop());

interface Entry {
  entry: string;
  principal: string;
  route: string;
  target: string;
  code: string | null;
  request_id: string;
}

async function log(query = ""): Promise<Entry[]> {
  const answer = await api.operator("GET", `/v1/audit-log${query}`);
  expect(answer).toMatchObject({ status: 200 });
  return (answer.body as { data: Entry[] }).data;
}

const ada = { name: "Ada", country: "US", default_currency: "USD" };

describe("the audit log", () => {
  test("says who changed what, with what was before and what came of it", async () => {
    await api.operator("PUT", "/v1/payees/ada", ada);
    const answer = await api.operator(
      "PUT",
      "/v1/payees/ada",
      { ...ada, name: "Ada L." },
      { "X-Request-Id": "mine-1" },
    );
    expect(answer.headers.get("x-request-id")).toBe("mine-1");
    expect(await log("?limit=1")).toMatchObject([
      {
        principal: "operator",
        role: "operator",
        request_id: "mine-1",
        route: "PUT /payees/{id}",
        target: "/v1/payees/ada",
        status: 200,
        code: null,
        before: { name: "Ada" },
        asked: { name: "Ada L." },
        after: { id: "ada", name: "Ada L." },
      },
    ]);
  });

  test("has no entry of what was only read, refused for its content, tried dry, or answered again", async () => {
    const newest = (await log("?limit=1"))[0]?.entry;
    await api.operator("GET", "/v1/keys");
    expectProblem(await api.operator("PUT", "/v1/payees/ada", { ...ada, country: "?" }), 400, "body_invalid");
    await api.operator("POST", "/v1/settlements/2023-11/close?dry_run=true");
    expect((await log("?limit=1"))[0]?.entry).toBe(newest);
    const stop = () =>
      api.operator("POST", "/v1/payouts/stop", { reason: "x" }, { "Idempotency-Key": "stop-1" });
    await stop();
    await stop();
    expect(Number((await log("?limit=1"))[0]?.entry)).toBe(Number(newest) + 1);
  });

  test("has no entry of usage, which comes by the thousand", async () => {
    const newest = (await log("?limit=1"))[0]?.entry;
    await api.send(usageEvent({ id: "p1", metrics: { input_token_count: 1 } }));
    expect((await log("?limit=1"))[0]?.entry).toBe(newest);
  });

  test("has who was refused a change for want of a right", async () => {
    const call = await api.keyFor({ role: "payee", payee: "ada" });
    expectProblem(await call("POST", "/v1/payouts/stop", { reason: "mine" }), 403, "role_not_allowed");
    const [newest] = await log("?outcome=refused");
    expect(newest).toMatchObject({ route: "POST /payouts/stop", code: "role_not_allowed", role: "payee" });
    expectProblem(await call("GET", "/v1/audit-log"), 403, "role_not_allowed");
  });

  test("names who signed in, and holds no secret", async () => {
    const { secret } = (await api.operator("POST", "/v1/keys", { role: "operator" })).body as {
      secret: string;
    };
    const answer = await api.as(null)("POST", "/v1/sessions", { api_key: secret });
    expect(answer.status).toBe(201);
    const entries = await log("?limit=2");
    expect(entries).toMatchObject([
      { route: "POST /sessions", session: (answer.body as { session: string }).session },
      { route: "POST /keys", asked: { role: "operator" }, after: { secret: null } },
    ]);
    const cookie = answer.headers.get("set-cookie")?.match(/=([\w-]{43});/)?.[1] ?? "none";
    const rows = await api.sql<{ row: string }[]>`SELECT a::text AS row FROM audit_entry a`;
    for (const kept of [secret, cookie, OPERATOR_KEY]) expect(JSON.stringify(rows)).not.toContain(kept);
  });

  test("takes whatever was asked, and keeps of much its hash alone", async () => {
    const reason = "A\\u0000 \\ud800 \u{1f4b0}";
    expect((await api.operator("POST", "/v1/payouts/stop", { reason })).status).toBe(200);
    expect((await log("?limit=1"))[0]).toMatchObject({ asked: { reason } });
    const payees = Array.from({ length: 300 }, (_, n) => ({ id: `p${n}`, ...ada }));
    await api.load({ payees });
    expect((await log("?limit=1"))[0]).toMatchObject({
      route: "POST /catalog/import",
      asked: { bytes: expect.any(Number), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });

  test("is looked through by person, subject and time, page by page", async () => {
    const all = await log();
    expect(all.map(({ entry }) => Number(entry))).toEqual(all.map((_, n) => all.length - n));
    const about = await log("?about=%2Fpayees%2Fada");
    expect(about.length).toBeGreaterThan(0);
    for (const { target } of about) expect(target).toContain("/payees/ada");
    for (const { principal } of await log("?principal=operator")) expect(principal).toBe("operator");
    expect(await log("?to=2020-01-01T00:00:00Z")).toEqual([]);
    const first = (await api.operator("GET", "/v1/audit-log?limit=2")).body as { next_cursor: string };
    expect((await log(`?limit=2&cursor=${first.next_cursor}`)).map(({ entry }) => entry)).toEqual(
      all.slice(2, 4).map(({ entry }) => entry),
    );
  });

  test("is listed without its documents where they are not wanted, and each entry is to be had whole", async () => {
    const [listed] = await log("?limit=1&documents=none");
    const [whole] = await log("?limit=1");
    const { before, asked, after, ...rest } = whole as Entry & Record<"before" | "asked" | "after", unknown>;
    expect(listed).toEqual(rest);
    expect((await api.operator("GET", `/v1/audit-log/${listed?.entry}`)).body).toEqual({
      ...rest,
      before,
      asked,
      after,
    });
    expectProblem(await api.operator("GET", "/v1/audit-log/999999"), 404, "not_found");
    const call = await api.keyFor({ role: "payee", payee: "ada" });
    expectProblem(await call("GET", `/v1/audit-log/${listed?.entry}`), 403, "role_not_allowed");
  });

  test("written by many at once has no gap and no fork, and nobody changes it", async () => {
    const freeze = (n: number) => api.operator("PUT", `/v1/payees/p${n}/freeze`, { reason: "checked" });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => freeze(n)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const chained = (await runChecks(api.sql)).find(({ law }) => law.includes("audit log"));
    expect(chained?.differences).toEqual([]);
    await expect(api.sql`UPDATE audit_entry SET principal = 'nobody'`).rejects.toThrow();
    await expect(api.sql`DELETE FROM audit_entry`).rejects.toThrow();
  });

  test("whose end is cut off is found out", async () => {
    await api.sql.unsafe(`SET session_replication_role = replica;
      DELETE FROM audit_entry WHERE entry_no = (SELECT max(entry_no) FROM audit_entry); RESET session_replication_role`);
    const chained = (await runChecks(api.sql)).find(({ law }) => law.includes("audit log"));
    expect(chained?.differences).toEqual([expect.stringContaining("audit head")]);
  });
});
