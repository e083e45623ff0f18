import { describe, expect, test } from "vitest";
import { OPEN_ROUTES, openApiDocument, ROUTES, stripeWebhook } from "../../src/http/index.ts";

const document = openApiDocument(ROUTES, OPEN_ROUTES, stripeWebhook);

/** What the schema says against a value; undefined when it takes it. */
const against = (schema: (typeof ROUTES)[number]["body"], value: unknown) => {
  const parsed = schema?.safeParse(value);
  return parsed?.success === false ? parsed.error.issues : undefined;
};

describe.each(
  [...ROUTES, ...OPEN_ROUTES].map((route) => [`${route.method} /v1${route.path}`, route] as const),
)("%s", (_name, route) => {
  const operation = document.paths[`/v1${route.path}`]?.[route.method];

  test("its example is what its schemas accept", () => {
    const inputs = (where: string) =>
      Object.fromEntries(
        (operation?.parameters ?? [])
          .filter((parameter) => parameter.in === where && parameter.required)
          .map(({ name, example }) => [name, example]),
      );
    expect(against(route.params, inputs("path"))).toBeUndefined();
    expect(against(route.query, inputs("query"))).toBeUndefined();
    if (route.body !== undefined) {
      const media = Object.values(operation?.requestBody?.content ?? {});
      expect(media.length).toBeGreaterThan(0);
      for (const { example } of media) expect(against(route.body, example)).toBeUndefined();
    }
    const status = route.status ?? 200;
    if (status === 204 || status === 303) return;
    const answer = operation?.responses[status]?.content?.["application/json"];
    expect(against(route.response, answer?.example), JSON.stringify(answer?.example)).toBeUndefined();
  });

  test("is shown as a call of curl with the very example", () => {
    const source = operation?.["x-codeSamples"]?.[0]?.source ?? "";
    expect(source).toMatch(/^curl /);
    expect(source).not.toMatch(/[{]\w+[}]"|undefined/);
  });
});
