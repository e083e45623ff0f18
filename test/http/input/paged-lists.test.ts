import { afterAll, beforeAll, expect, test } from "vitest";
import { type Call, startTestApi, type TestApi } from "../../support/api.ts";
import { expectProblem } from "../../support/problem.ts";
import { SMALL_CATALOG, usageEvent } from "../../support/usage.ts";

let api: TestApi;
let ada: Call;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  ada = await api.keyFor({ role: "payee", payee: "ada" });
});
afterAll(() => api.stop());

interface Entry {
  id: string;
}

async function everyPage(call: Call, path: string, limit: number): Promise<string[]> {
  const all: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const { status, body } = await call(
      "GET",
      `${path}limit=${limit}${cursor === "" ? "" : `&cursor=${cursor}`}`,
    );
    expect(status).toBe(200);
    const { data, next_cursor } = body as { data: Entry[]; next_cursor: string | null };
    expect(data.length).toBeLessThanOrEqual(limit);
    all.push(...data.map(({ id }) => id));
    cursor = next_cursor;
  }
  return all;
}

/** Pages of every size say the same, each entry once. */
async function expectPaged(call: Call, path: string, ids: string[]): Promise<void> {
  for (const limit of [1, 2, 3, 1000]) expect(await everyPage(call, path, limit)).toEqual(ids);
  expectProblem(await call("GET", `${path}cursor=nonsense`), 400, "parameter_invalid");
}

test("webhook endpoints are listed in pages, and those of everybody by themselves", async () => {
  const made: { id: string; owner: string }[] = [];
  for (const owner of ["ada", "lin", "everybody", "ada", "ada", "everybody"]) {
    const whose = owner === "everybody" ? { everybody: true } : { payee: owner };
    const { body } = await api.operator("POST", "/v1/webhook-endpoints", {
      url: "https://example.com/h",
      ...whose,
    });
    made.push({ id: (body as Entry).id, owner });
  }
  const idsOf = (owner?: string) =>
    made.filter((one) => owner === undefined || one.owner === owner).map(({ id }) => id);
  await expectPaged(api.operator, "/v1/webhook-endpoints?", idsOf());
  await expectPaged(api.operator, "/v1/webhook-endpoints?everybody=true&", idsOf("everybody"));
  await expectPaged(ada, "/v1/webhook-endpoints?", idsOf("ada"));
  expectProblem(await ada("GET", "/v1/webhook-endpoints?everybody=true"), 403, "role_not_allowed");
});

test("public links are listed in pages, also when the one that a page ended with is taken back", async () => {
  await api.send(usageEvent({ id: "shared" }));
  const acme = await api.keyFor({ role: "customer", customer: "acme" });
  const ids: string[] = [];
  for (let n = 0; n < 5; n++)
    ids.push(((await acme("POST", "/v1/predictions/shared/shares")).body as Entry).id);
  await expectPaged(acme, "/v1/predictions/shared/shares?", ids);
  const first = (await acme("GET", "/v1/predictions/shared/shares?limit=2")).body as { next_cursor: string };
  expect(await acme("DELETE", `/v1/predictions/shared/shares/${ids[1]}`)).toMatchObject({ status: 204 });
  expect(
    (await acme("GET", `/v1/predictions/shared/shares?limit=2&cursor=${first.next_cursor}`)).body,
  ).toMatchObject({ data: [{ id: ids[2] }, { id: ids[3] }] });
});

test("sessions and payouts to the bank are listed in pages, the newest first", async () => {
  await api.sql`
    INSERT INTO bank_payout (id, account, currency, amount_nanos, status, created_at)
    SELECT 'po_' || n, (SELECT stripe_account FROM payee WHERE id = 'ada'), 'USD', n::bigint * 1000000000, 'paid',
      timestamptz '2024-01-01' + (n / 2) * interval '1 day' FROM generate_series(1, 5) n`;
  await expectPaged(ada, "/v1/payees/ada/bank-payouts?", ["po_5", "po_4", "po_3", "po_2", "po_1"]);

  const { secret } = (await api.operator("POST", "/v1/keys", { role: "payee", payee: "lin" })).body as {
    secret: string;
  };
  for (let n = 0; n < 4; n++)
    expect(await api.as(null)("POST", "/v1/sessions", { api_key: secret })).toMatchObject({ status: 201 });
  const all = (await api.as(secret)("GET", "/v1/sessions")).body as {
    data: (Entry & { created_at: string })[];
  };
  expect(all.data).toHaveLength(4);
  const times = all.data.map(({ created_at }) => created_at);
  expect(times).toEqual(times.toSorted().reverse());
  await expectPaged(
    api.as(secret),
    "/v1/sessions?",
    all.data.map(({ id }) => id),
  );
});
