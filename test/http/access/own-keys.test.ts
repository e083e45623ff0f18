import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Call, startTestApi, type TestApi } from "../../support/api.ts";
import { expectProblem } from "../../support/problem.ts";
import { SMALL_CATALOG } from "../../support/usage.ts";
import { type Mailbox, openMailbox } from "./mailbox.ts";
import { register, signInByMail } from "./people.ts";

let api: TestApi;
let mailbox: Mailbox;
let owner: Call;
beforeAll(async () => {
  mailbox = await openMailbox();
  api = await startTestApi({ DATA_DIR: mailbox.dataDir, MAIL_INTERVAL_MS: "50" });
  await api.load(SMALL_CATALOG);
  await api.load({ payees: [{ id: "eve", name: "Eve", country: "US", default_currency: "USD" }] });
  await register(api, "ada-owner", { role: "payee", payee: "ada", duties: ["owner"] });
  owner = (await signInByMail(api, mailbox, "ada-owner@example.com")).call;
});
afterAll(async () => {
  await api.stop();
  await mailbox.remove();
});

interface Made {
  id: string;
  secret: string;
}
const own = { role: "payee", payee: "ada" };
const idsOf = async (call: Call) =>
  ((await call("GET", "/v1/keys")).body as { data: { id: string }[] }).data.map(({ id }) => id);

describe("an owner, signed in as a person", () => {
  test("makes, rotates and revokes keys of its payee, each at once", async () => {
    const made = (await owner("POST", "/v1/keys", { ...own, scope: "read" })).body as Made;
    expect((await api.as(made.secret)("GET", "/v1/payees/ada/balances")).status).toBe(200);
    const rotated = await owner("POST", `/v1/keys/${made.id}/rotate`, { overlap_seconds: 60 });
    expect(rotated.status).toBe(201);
    const { id, secret } = rotated.body as Made;
    expect(await idsOf(owner)).toEqual(expect.arrayContaining([made.id, id]));
    expect((await owner("DELETE", `/v1/keys/${id}`)).status).toBe(204);
    expectProblem(await api.as(secret)("GET", "/v1/payees/ada/balances"), 401, "unauthenticated");
  });

  test("makes none of another role or payee, and finds nobody else's", async () => {
    expectProblem(await owner("POST", "/v1/keys", { role: "operator" }), 403, "role_not_allowed");
    expectProblem(await owner("POST", "/v1/keys", { role: "payee", payee: "eve" }), 404, "not_found");
    const { body } = await api.operator("POST", "/v1/keys", { role: "payee", payee: "eve" });
    const { id, secret } = body as Made;
    expectProblem(await owner("POST", `/v1/keys/${id}/rotate`), 404, "not_found");
    expectProblem(await owner("DELETE", `/v1/keys/${id}`), 404, "not_found");
    expect(await idsOf(owner)).not.toContain(id);
    expect(await idsOf(api.as(secret))).toEqual([id]);
  });
});

test("a viewer changes nothing, and a key makes no other: it rotates and revokes itself alone", async () => {
  await register(api, "ada-viewer", { role: "payee", payee: "ada", duties: ["viewer"] });
  const viewer = await signInByMail(api, mailbox, "ada-viewer@example.com");
  expectProblem(await viewer.call("POST", "/v1/keys", own), 403, "scope_not_allowed");
  const [first, second] = await Promise.all(
    [1, 2].map(async () => (await api.operator("POST", "/v1/keys", own)).body as Made),
  );
  const call = api.as(first?.secret ?? "");
  expectProblem(await call("POST", "/v1/keys", own), 403, "role_not_allowed");
  expectProblem(await call("POST", `/v1/keys/${second?.id}/rotate`), 404, "not_found");
  expectProblem(await call("DELETE", `/v1/keys/${second?.id}`), 404, "not_found");
  expect((await call("DELETE", `/v1/keys/${first?.id}`)).status).toBe(204);
  expectProblem(await call("GET", "/v1/payees/ada"), 401, "unauthenticated");
});
