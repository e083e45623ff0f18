import { afterAll, beforeAll, expect, test } from "vitest";
import { OPEN_ROUTES, openApiDocument, ROUTES, stripeWebhook } from "../../../src/http/index.ts";
import { type Call, startTestApi, type TestApi } from "../../support/api.ts";
import { SMALL_CATALOG, usageEvent } from "../../support/usage.ts";

// Whatever stands in any one place of a request, the answer is the caller's to understand: never "something went wrong on our side".

const ODD: readonly unknown[] = [
  "",
  "x",
  "-1",
  "1e400",
  "9".repeat(60),
  `0.${"3".repeat(60)}`,
  "2023-13",
  "9999-12",
  "0001-01-01",
  "Infinity",
  "ä\u0000",
  "constructor",
  "__proto__",
  "%",
  "' OR 1=1 --",
  "a".repeat(5000),
];
const ODD_IN_BODIES: readonly unknown[] = [...ODD, null, -1, 1e300, 0.1, true, [], {}, [[]], { a: { b: 1 } }];

const document = openApiDocument(ROUTES, OPEN_ROUTES, stripeWebhook);
const routes = ROUTES.filter(({ path }) => path !== "/live");

let api: TestApi;
let callers: Record<string, Call>;
beforeAll(async () => {
  api = await startTestApi({ RATE_LIMIT_PER_MINUTE: "1000000" });
  await api.load(SMALL_CATALOG);
  await api.send(usageEvent({ id: "p1", metrics: { input_token_count: 100_000 } }));
  callers = {
    operator: api.operator,
    payee: await api.keyFor({ role: "payee", payee: "ada" }),
    customer: await api.keyFor({ role: "customer", customer: "acme" }),
    ingest: await api.keyFor({ role: "ingest" }),
  };
});
afterAll(() => api.stop());

/** What exists, so that the way into a handler is open as often as can be. */
const EXISTING: Record<string, string> = {
  "/payees/{id}": "ada",
  "/customers/{id}": "acme",
  "/predictions/{id}": "p1",
  "/models/{owner}": "ada",
};

/** A copy with one leaf, or one whole member, replaced: each in turn. */
function* variants(value: unknown): Generator<(odd: unknown) => unknown> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.slice(0, 1).entries())
      for (const put of variants(item)) yield (odd) => value.with(index, put(odd));
  } else if (value !== null && typeof value === "object") {
    for (const [name, member] of Object.entries(value)) {
      yield (odd) => ({ ...value, [name]: odd });
      for (const put of variants(member)) yield (odd) => ({ ...value, [name]: put(odd) });
    }
  }
}

test.each(routes.map((route) => [`${route.method} /v1${route.path}`, route] as const))(
  "%s answers whatever it is given",
  async (name, route) => {
    const operation = document.paths[`/v1${route.path}`]?.[route.method];
    const call = callers[route.roles.includes("operator") ? "operator" : (route.roles[0] ?? "")] as Call;
    const parameters = operation?.parameters ?? [];
    const given = Object.fromEntries(
      parameters.map(({ name: parameter, example }) => [parameter, String(example)]),
    );
    const known = Object.entries(EXISTING).find(([start]) => route.path.startsWith(start));
    if (known !== undefined) given[route.path.includes("{owner}") ? "owner" : "id"] = known[1];
    const urlWith = (odd: Record<string, unknown>) => {
      const values = { ...given, ...odd };
      const path = route.path.replaceAll(/\{(\w+)\}/g, (_, part: string) =>
        encodeURIComponent(String(values[part])),
      );
      const query = new URLSearchParams();
      for (const { name: parameter, in: where, required } of parameters)
        if (where === "query" && (required || parameter in odd))
          query.set(parameter, String(values[parameter]));
      return `/v1${path}?${query}`;
    };
    const [media, content] = Object.entries(operation?.requestBody?.content ?? {})[0] ?? [];
    const body: unknown = content?.example;
    const wrong: string[] = [];
    async function ask(url: string, sent: unknown): Promise<void> {
      const json = sent === undefined ? undefined : JSON.stringify(sent);
      const { status } = await call(
        route.method.toUpperCase(),
        url,
        json,
        media === undefined ? {} : { "Content-Type": media },
      );
      // 503: what needs something that is not set up here says so.
      if (status >= 500 && status !== 503)
        wrong.push(`${status} ${url.slice(0, 300)} ${json?.slice(0, 300)}`);
    }
    for (const { name: parameter, in: where } of parameters)
      if (where !== "header") for (const odd of ODD) await ask(urlWith({ [parameter]: odd }), body);
    for (const put of variants(body)) for (const odd of ODD_IN_BODIES) await ask(urlWith({}), put(odd));
    expect(wrong, name).toEqual([]);
  },
  120_000,
);
