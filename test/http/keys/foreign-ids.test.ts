import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { z } from "zod";
import { ROUTES } from "../../../src/http/index.ts";
import { type Call, OPERATOR_KEY, startTestApi, type TestApi } from "../../support/api.ts";
import { without } from "../../support/problem.ts";
import { SMALL_CATALOG, usageEvent } from "../../support/usage.ts";

// Everything here is ada's and acme's. eve, a payee, and globex, a customer, have nothing to do with any of it.
let api: TestApi;
let strangers: { role: "payee" | "customer"; call: Call }[];
let foreign: string[];

/** As many kinds of ids as there are: each is tried in each place. */
async function foreignIds(): Promise<string[]> {
  const rows = await api.sql<{ id: string }[]>`
    SELECT id FROM payout UNION SELECT id FROM api_key WHERE payee = 'ada' OR customer = 'acme'
    UNION SELECT id FROM webhook_endpoint UNION SELECT id FROM session UNION SELECT id FROM app_user`;
  return ["ada", "acme", "p1", ...rows.map(({ id }) => id)];
}

beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  await api.load({ payees: [{ id: "eve", name: "Eve", country: "US", default_currency: "USD" }] });
  await api.send(usageEvent({ id: "p1", metrics: { input_token_count: 100_000 } }));
  for (const step of ["close", "plan", "approve", "pay"])
    expect(await api.operator("POST", `/v1/settlements/2023-11/${step}`)).toMatchObject({ status: 200 });
  await api.keyFor({ role: "payee", payee: "ada" });
  await api.keyFor({ role: "customer", customer: "acme" });
  const endpoint = { payee: "ada", url: "https://example.com/hook" };
  expect(await api.operator("POST", "/v1/webhook-endpoints", endpoint)).toMatchObject({ status: 201 });
  const user = { email: "ada@example.com", role: "payee", payee: "ada", duties: ["owner"] };
  expect(await api.operator("PUT", "/v1/users/ada-owner", user)).toMatchObject({ status: 200 });
  expect(await api.as(null)("POST", "/v1/sessions", { api_key: OPERATOR_KEY })).toMatchObject({
    status: 201,
  });
  strangers = [
    { role: "payee", call: await api.keyFor({ role: "payee", payee: "eve" }) },
    { role: "customer", call: await api.keyFor({ role: "customer", customer: "globex" }) },
  ];
  foreign = await foreignIds();
  expect(foreign.length).toBeGreaterThanOrEqual(8);
});
afterAll(() => api.stop());

/** Of these, what a route takes. */
const QUERY = { model: "ada/llm", period: "2023-11", currency: "USD", limit: "10" };
/** What some routes ask for, and others mean by something else. */
const MORE: Record<string, Record<string, string>> = {
  "/customers/{id}/insight": { from: "2023-11-01", to: "2023-12-01" },
};
const REST: Record<string, string> = {
  period: "2023-11",
  year: "2023",
  currency: "USD",
  owner: "ada",
  name: "llm",
};

/** The path with this id in the place of {id}, and of every other parameter something that exists. */
function pathWith(route: (typeof ROUTES)[number], id: string): string {
  const { path } = route;
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(REST[name] ?? id));
  const names = Object.keys((route.query as z.ZodObject | undefined)?.shape ?? {});
  const query = Object.entries({ ...QUERY, ...MORE[path] }).filter(([name]) => names.includes(name));
  return `/v1${filled}?${new URLSearchParams(query)}`;
}

describe("a stranger", () => {
  test("finds nothing of anybody's under any id on any route, and not even that it exists", async () => {
    let tried = 0;
    for (const { role, call } of strangers) {
      const routes = ROUTES.filter((route) => /\{\w*id\}/.test(route.path) && route.roles.includes(role));
      expect(routes.length).toBeGreaterThan(0);
      for (const route of routes) {
        const ask = (id: string) =>
          call(route.method.toUpperCase(), pathWith(route, id), route.body === undefined ? undefined : {});
        const missing = await ask("there-is-none");
        for (const id of foreign) {
          const answer = await ask(id);
          tried++;
          const where = `${role}: ${route.method} ${route.path} with ${id}`;
          // A body or an id that is refused before anything is looked up tells nothing either.
          expect([400, 404], where).toContain(answer.status);
          if (missing.status === 404 && answer.status === 404)
            expect(without(id, answer), where).toEqual(without("there-is-none", missing));
          if (route.body === undefined && /^[\w-]+$/.test(id)) expect(answer.status, where).toBe(404);
        }
      }
    }
    expect(tried).toBeGreaterThan(50);
  });

  test("finds no model that it has no part in, and cannot tell it from one that is not there", async () => {
    const call = await api.keyFor({ role: "payee", payee: "eve" });
    const foreignModel = await call("GET", "/v1/models/ada/llm");
    expect(foreignModel.status).toBe(404);
    const missing = await call("GET", "/v1/models/ada/there-is-none");
    expect(without("llm", foreignModel)).toEqual(without("there-is-none", missing));
    expect((await api.operator("GET", "/v1/models/ada/llm")).status).toBe(200);
  });

  test("gets from routes of other roles the same refusal for every id", async () => {
    for (const { role, call } of strangers) {
      for (const route of ROUTES.filter(({ roles }) => !roles.includes(role))) {
        const answer = await call(route.method.toUpperCase(), pathWith(route, "ada"));
        expect(answer, `${route.method} ${route.path}`).toMatchObject({
          status: 403,
          body: { code: "role_not_allowed" },
        });
      }
    }
  });

  test("sees nothing of others in what it may list", async () => {
    for (const { role, call } of strangers) {
      for (const route of ROUTES.filter(
        ({ path, method, roles }) => !path.includes("{") && method === "get" && roles.includes(role),
      )) {
        const { body } = await call("GET", `/v1${route.path}`);
        expect(JSON.stringify(body), route.path).not.toMatch(/"(ada|acme)"/);
      }
    }
  });
});
