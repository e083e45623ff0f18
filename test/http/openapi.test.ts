import { afterAll, beforeAll, expect, test } from "vitest";
import { OPEN_ROUTES, ROUTES } from "../../src/http/index.ts";
import { startTestApi, type TestApi } from "../support/api.ts";

interface Operation {
  summary?: string;
  parameters?: { name: string; in: string; required?: boolean; schema?: unknown }[];
  requestBody?: { content: Record<string, { schema?: unknown }> };
  responses: Record<string, { description?: string; content?: Record<string, { schema?: unknown }> }>;
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown>; securitySchemes: Record<string, unknown> };
}

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

let api: TestApi;
let document: Document;
beforeAll(async () => {
  api = await startTestApi();
  const answer = await api.as(null)("GET", "/openapi.json");
  expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
  document = answer.body as Document;
});
afterAll(() => api.stop());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );

test("it is OpenAPI 3.1 and says what it describes", () => {
  expect(document.openapi).toMatch(/^3\.1\.\d+$/);
  expect(document.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
});

test("it has every route, and nothing else", () => {
  const described = operations().map(({ method, path }) => `${method} ${path}`);
  expect(described.sort()).toEqual(
    [
      ...[...ROUTES, ...OPEN_ROUTES].map((route) => `${route.method} /v1${route.path}`),
      "post /v1/webhooks/stripe",
    ].sort(),
  );
});

test("every operation has what the specification demands of one", () => {
  for (const { path, method, operation } of operations()) {
    expect(METHODS).toContain(method);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
    expect(declared.map((parameter) => parameter.name).sort()).toEqual([...inPath].sort());
    for (const parameter of operation.parameters ?? []) {
      expect(["path", "query", "header"]).toContain(parameter.in);
      expect(parameter.schema).toBeDefined();
      if (parameter.in === "path") expect(parameter.required).toBe(true);
    }
    expect(Object.keys(operation.responses)).toContain("default");
    for (const [status, response] of Object.entries(operation.responses)) {
      expect(status).toMatch(/^([1-5]\d\d|default)$/);
      expect(response.description).toEqual(expect.any(String));
    }
    expect(operation.responses.default?.content).toHaveProperty(["application/problem+json", "schema"]);
    for (const media of Object.values(operation.requestBody?.content ?? {}))
      expect(media.schema).toBeDefined();
  }
});

test("every reference leads somewhere", () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
    ([, target]) => target ?? "",
  );
  expect(references.length).toBeGreaterThan(10);
  for (const reference of references) {
    expect(reference).toMatch(/^#\//);
    const found = reference
      .slice(2)
      .split("/")
      .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], document);
    expect(found, reference).toBeDefined();
  }
});

test("money is never a JSON number", () => {
  expect(document.components.schemas.Money).toMatchObject({
    properties: { currency: { type: "string" }, amount: { type: "string" } },
  });
});

test("every security requirement is defined", () => {
  const { security } = document as unknown as { security: Record<string, unknown>[] };
  for (const requirement of security) {
    for (const name of Object.keys(requirement))
      expect(document.components.securitySchemes).toHaveProperty(name);
  }
});
