import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROUTES } from "../../../src/http/index.ts";
import { startTestApi, type TestApi } from "../../support/api.ts";
import { expectProblem } from "../../support/problem.ts";
import { SMALL_CATALOG } from "../../support/usage.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
});
afterAll(() => api.stop());

/** What only payees may send is refused before its body is looked at. */
const withBody = ROUTES.filter((route) => route.body !== undefined && route.roles.includes("operator"));
const example = (path: string) =>
  `/v1${path}`
    .replace("{period}", "2023-11")
    .replace("{owner}/{name}", "ada/llm")
    .replace("{id}", "1")
    .replace("{currency}", "USD")
    .replace("{partition}", "0")
    .replace("/ingest/replicate", "/ingest/replicate?customer=acme");

describe("every endpoint", () => {
  test.each(ROUTES.map((route) => [route.method.toUpperCase(), example(route.path)] as const))(
    "%s %s without a key, with an unknown key or with no Bearer answers 401",
    async (method, path) => {
      for (const call of [api.as(null), api.as("trib_operator_that-was-never-made")]) {
        const answer = await call(method, path);
        expectProblem(answer, 401, "unauthenticated");
        expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      }
      expectProblem(
        await api.as(null)(method, path, undefined, { Authorization: "Basic YTpi" }),
        401,
        "unauthenticated",
      );
    },
  );

  test("a key whose role an endpoint does not take gets 403, with the roles it takes", async () => {
    const calls = {
      ingest: await api.keyFor({ role: "ingest" }),
      payee: await api.keyFor({ role: "payee", payee: "ada" }),
      customer: await api.keyFor({ role: "customer", customer: "acme" }),
    };
    for (const route of ROUTES) {
      for (const [role, call] of Object.entries(calls)) {
        if ((route.roles as readonly string[]).includes(role)) continue;
        const answer = await call(route.method.toUpperCase(), example(route.path));
        expectProblem(answer, 403, "role_not_allowed");
        expect(JSON.stringify(answer.body)).toContain(route.roles.join(" or "));
      }
    }
  });

  test.each(withBody.map((route) => [route.method.toUpperCase(), example(route.path), route] as const))(
    "%s %s refuses a body that is not JSON, not UTF-8, of another type, or larger than it takes",
    async (method, path, route) => {
      const type = { "Content-Type": route.contentTypes?.[0] ?? "application/json" };
      expectProblem(await api.operator(method, path, "{", type), 400, "body_not_json");
      const notUtf8 = new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]);
      expectProblem(await api.operator(method, path, notUtf8, type), 400, "body_not_json");
      for (const wrong of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"]) {
        const answer = await api.operator(method, path, "{}", { "Content-Type": wrong });
        expectProblem(answer, 415, "media_type_not_supported");
      }
      const large = `"${"x".repeat(route.bodyBytesMax ?? 1_048_576)}"`;
      expectProblem(await api.operator(method, path, large, type), 413, "body_too_large");
      if (!route.bodyOptional) {
        expectProblem(await api.operator(method, path), 400, "body_not_json");
      }
    },
  );
});

describe("paths and methods", () => {
  test("an unknown path answers 404 and points at the OpenAPI document", async () => {
    for (const path of ["/v1/nothing", "/nothing", "/v1/payees/ada/secrets", "/v2/events"]) {
      const answer = await api.operator("GET", path);
      expectProblem(answer, 404, "not_found");
      expect(JSON.stringify(answer.body)).toContain("/openapi.json");
    }
  });

  test("a known path with another method answers 405 and names those it takes, in Allow too", async () => {
    const wrong = [
      ["DELETE", "/v1/events", "POST"],
      ["PUT", "/v1/metering/status", "GET"],
      ["GET", "/v1/catalog/import", "POST"],
      ["PATCH", "/v1/payees/ada", "PUT, GET"],
      ["GET", "/v1/keys/key_1", "DELETE"],
    ] as const;
    for (const [method, path, allowed] of wrong) {
      const answer = await api.operator(method, path);
      expectProblem(answer, 405, "method_not_allowed");
      expect(JSON.stringify(answer.body)).toContain(allowed);
      expect(answer.headers.get("allow")).toBe(allowed);
    }
  });

  test("a path that is no UTF-8 answers 400", async () => {
    expectProblem(await api.operator("GET", "/v1/payees/%E0%A4%A/earnings"), 400, "parameter_invalid");
  });

  test.each([
    ["GET", "/v1/payees/a%20b/earnings", "id"],
    ["GET", "/v1/settlements/2023-13", "period"],
    ["POST", "/v1/settlements/november/close", "period"],
    ["POST", "/v1/settlements/2023-11/close?dry_run=maybe", "dry_run"],
    ["GET", "/v1/payees/ada/statements/2023", "period"],
    ["GET", "/v1/payees/ada/statements?limit=0", "limit"],
    ["GET", "/v1/payees/ada/payouts?limit=many", "limit"],
    ["GET", "/v1/dead-letters?limit=1001", "limit"],
    ["GET", "/v1/payees/ada/earnings?from=2023-11-31", "from"],
    ["GET", "/v1/payees/ada/earnings?from=yesterday", "from"],
    ["GET", "/v1/payees/ada/earnings?to=2023-11-01T12:00:00Z", "to"],
    ["GET", "/v1/payees/ada/earnings?from=2023-12-01&to=2023-11-01", "to"],
    ["GET", "/v1/payees/ada/earnings?group_by=colour", "group_by"],
    ["GET", "/v1/payees/ada/earnings?group_by=model,,day", "group_by"],
    ["GET", "/v1/payees/ada/earnings?group_by=model&group_by=day", "group_by"],
    ["GET", "/v1/payees/ada/earnings?currency=usd", "currency"],
    ["GET", "/v1/payees/ada/earnings?currency=DOLLAR", "currency"],
    ["POST", "/v1/dead-letters/first/replay", "id"],
  ])("%s %s names the wrong parameter", async (method, path, parameter) => {
    expectProblem(await api.operator(method, path), 400, "parameter_invalid", parameter);
  });

  test.each([
    "/v1/dead-letters?cursor=abc",
    "/v1/settlements?cursor=abc",
    "/v1/settlements?cursor=2023-13",
    "/v1/payees/ada/statements?cursor=2023-11",
    "/v1/payees/ada/statements?cursor=2023-11%20usd",
    "/v1/payees/ada/payouts?cursor=%00",
    "/v1/payees/ada/payouts?cursor=nonsense",
  ])("GET %s refuses a cursor that it never gave", async (path) => {
    expectProblem(await api.operator("GET", path), 400, "parameter_invalid");
  });
});

describe("text that PostgreSQL cannot store", () => {
  test.each([
    ["a NUL", "\\u0000"],
    ["half a surrogate", "\\ud800"],
  ])("%s in a name is the caller's mistake, not ours", async (_, character) => {
    const payee = `{"name":"A${character}","country":"US","default_currency":"USD"}`;
    expectProblem(await api.operator("PUT", "/v1/payees/nul", payee), 400, "body_invalid", "name");
    const customer = `{"name":"A${character}","currency":"USD"}`;
    expectProblem(await api.operator("PUT", "/v1/customers/nul", customer), 400, "body_invalid", "name");
  });

  test("a NUL in an ingest key's source is the caller's mistake", async () => {
    const answer = await api.operator("POST", "/v1/keys", '{"role":"ingest","sources":["a\\u0000"]}');
    expectProblem(answer, 400, "body_invalid");
  });

  test("a NUL in an id that is looked up finds nothing", async () => {
    for (const [method, path] of [
      ["GET", "/v1/payouts/%00"],
      ["GET", "/v1/predictions/%00"],
      ["DELETE", "/v1/keys/%00"],
    ] as const) {
      const { status, body } = await api.operator(method, path);
      expect({ path, status, body }).toMatchObject({
        path,
        status: expect.toSatisfy((s) => s === 404 || s === 400),
      });
    }
  });
});

describe("a body that may be one of several things", () => {
  const asked = { payee: "ada", currency: "USD", amount: "1", reason: "goodwill" };
  const correct = (body: object) => api.operator("POST", "/v1/corrections", body);

  test("is told which there are, when it is none of them", async () => {
    const answer = await correct({ ...asked, kind: "present" });
    expectProblem(answer, 400, "body_invalid", "kind");
    const kinds = ["credit", "debit", "write_off", "revocation", "repayment", "rerate", "reattribution"];
    for (const kind of kinds) expect(answer.body).toMatchObject({ detail: expect.stringContaining(kind) });
  });

  test("is told what is wrong with the one that is meant", async () => {
    expectProblem(await correct({ ...asked, kind: "credit", amount: "much" }), 400, "body_invalid", "amount");
    const { reason: _, ...without } = asked;
    expectProblem(await correct({ ...without, kind: "write_off" }), 400, "body_invalid", "reason");
    const { payee: _payee, ...repaid } = { ...asked, kind: "repayment", customer: "acme", reference: "bank" };
    expectProblem(await correct(repaid), 400, "body_invalid", "paid_at");
    const { reference: _reference, ...unnamed } = { ...repaid, paid_at: "2023-12-05T10:00:00Z" };
    expectProblem(await correct(unnamed), 400, "body_invalid", "reference");
  });
});
