import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Call, startTestApi, type TestApi } from "../../support/api.ts";
import { expectProblem } from "../../support/problem.ts";
import { until } from "../../support/until.ts";
import { SMALL_CATALOG } from "../../support/usage.ts";
import { type Mailbox, openMailbox } from "./mailbox.ts";
import { register, signInByMail } from "./people.ts";

let api: TestApi;
let mailbox: Mailbox;
let anonymous: Call;
beforeAll(async () => {
  mailbox = await openMailbox();
  api = await startTestApi({ DATA_DIR: mailbox.dataDir, MAIL_INTERVAL_MS: "50" });
  await api.load(SMALL_CATALOG);
  anonymous = api.as(null);
  for (const id of ["ada", "used", "old", "newer", "flood", "gone"])
    await register(api, id, { role: "payee", payee: "ada", duties: ["owner"] });
});
afterAll(async () => {
  await api.stop();
  await mailbox.remove();
});

const ask = (email: string) => anonymous("POST", "/v1/login-links", { email });
const open = (login_token: string) => anonymous("POST", "/v1/sessions", { login_token });

describe("a link to sign in", () => {
  test("signs its person in", async () => {
    const { who, call } = await signInByMail(api, mailbox, "ada@example.com");
    expect(who).toMatchObject({ role: "payee", payee: "ada", duties: ["owner"], name: "ada@example.com" });
    expect((await call("GET", "/v1/payees/ada/balances")).status).toBe(200);
  });

  test("is good once, of many attempts at once for one", async () => {
    const token = await mailbox.nextToken("used@example.com", () => ask("Used@Example.com"));
    const answers = await Promise.all(Array.from({ length: 5 }, () => open(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 401, 401, 401, 401]);
    expectProblem(await open(token), 401, "login_token_invalid");
  });

  test("is good for a quarter of an hour", async () => {
    const token = await mailbox.nextToken("old@example.com", () => ask("old@example.com"));
    const [row] = await api.sql<[{ minutes: number }]>`
      SELECT extract(epoch FROM expires_at - now()) / 60 AS minutes FROM login_link WHERE app_user = 'old'`;
    expect(Number(row.minutes)).toBeGreaterThan(14);
    expect(Number(row.minutes)).toBeLessThanOrEqual(15);
    await api.sql`UPDATE login_link SET expires_at = now() WHERE app_user = 'old'`;
    expectProblem(await open(token), 401, "login_token_invalid");
  });

  test("of somebody who is disabled lets nobody in", async () => {
    const token = await mailbox.nextToken("gone@example.com", () => ask("gone@example.com"));
    expect((await api.operator("DELETE", "/v1/users/gone")).status).toBe(204);
    expectProblem(await open(token), 401, "login_token_invalid");
  });

  test("stands nowhere in the database", async () => {
    const token = await mailbox.nextToken("newer@example.com", () => ask("newer@example.com"));
    const rows = await api.sql<{ row: string }[]>`
      SELECT l::text AS row FROM login_link l UNION ALL SELECT m::text FROM mail m`;
    expect(JSON.stringify(rows)).not.toContain(token);
  });

  test("is sent to a person five times an hour at most; the answer never tells who is one", async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask("flood@example.com")));
    answers.push(await ask("nobody@example.com"), await ask("gone@example.com"));
    for (const { status, body } of answers)
      expect({ status, body }).toEqual({ status: 202, body: { ok: true } });
    const waiting = async () => (await api.sql`SELECT FROM mail WHERE state = 'pending'`).length;
    await until(async () => (await waiting()) === 0);
    const mails = await mailbox.mails();
    expect(mails.filter((mail) => mail.includes("To: flood@"))).toHaveLength(5);
    expect(mails.filter((mail) => mail.includes("To: nobody@"))).toEqual([]);
  });
});

test("a browser learns how people sign in here", async () => {
  expect((await anonymous("GET", "/v1/login-options")).body).toEqual({
    api_key: true,
    email: true,
    oidc: false,
  });
  expectProblem(await anonymous("GET", "/v1/oidc/login"), 404, "not_found");
});
