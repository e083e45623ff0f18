import { z } from "zod";
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from "zod-openapi";
import { REFUSALS } from "../kernel/index.ts";
import type { OpenRoute } from "./open-route.ts";
import { Problem } from "./problem.ts";
import { deprecationText } from "./reference/deprecation.ts";
import { SUBJECTS, subjectOf } from "./reference/subjects.ts";
import { withExamples } from "./reference/with-examples.ts";
import type { Route } from "./route.ts";
import type { SignedRoute } from "./signed-route.ts";
import { UsageEventSchema } from "./usage-routes/usage.ts";

/** OpenAPI 3.1 from the very schemas that validate, with examples that they accept. */
export function openApiDocument(routes: readonly Route[], open: readonly OpenRoute[], signed: SignedRoute) {
  const paths: ZodOpenApiPathsObject = { [`/v1${signed.path}`]: { post: signedOperation(signed) } };
  const add = (route: Described, operation: ZodOpenApiOperationObject) => {
    const path = `/v1${route.path}`;
    paths[path] = { ...paths[path], [route.method]: operation };
  };
  for (const route of routes) {
    const description = `For keys with the role ${route.roles.join(" or ")}.`;
    const header: { header?: z.ZodObject } = route.method === "post" ? { header: IdempotencyKey } : {};
    add(route, operation(route, { description }, header));
  }
  for (const route of open) add(route, operation(route, { description: "Without a key.", security: [] }));
  const document = createDocument({
    openapi: "3.1.0",
    info: {
      title: "Tributary",
      version: "1",
      description: `From usage event to paid creator, exactly. Errors are RFC 9457 problem documents with a stable code: ${Object.keys(REFUSALS).join(", ")}.`,
    },
    servers: [{ url: "/" }],
    tags: SUBJECTS.map(({ slug, about }) => ({ name: slug, description: about })),
    security: [{ apiKey: [] }, { session: [] }],
    components: {
      securitySchemes: {
        apiKey: { type: "http", scheme: "bearer" },
        session: {
          type: "apiKey",
          in: "cookie",
          name: "tributary_session",
          description:
            "Of a browser that signed in (POST /v1/sessions); changes need the service's own Origin.",
        },
      },
      schemas: { UsageEvent: UsageEventSchema },
    },
    paths,
  });
  return withExamples(document);
}

type Described = Omit<Route, "roles" | "handle">;

const IdempotencyKey = z.object({
  "Idempotency-Key": z.string().min(1).max(255).optional().meta({
    description:
      "A name of your own for this request: sent again under it, it is not done again, and gets the same answer.",
  }),
});

function operation(
  route: Described,
  who: { description: string; security?: [] },
  header: { header?: z.ZodObject } = {},
): ZodOpenApiOperationObject {
  const status = String(route.status ?? 200) as `${1 | 2 | 3 | 4 | 5}${string}`;
  const success =
    status === "204" || status === "303"
      ? { description: "Done" }
      : {
          description: "Success",
          content: { "application/json": { schema: route.response }, ...otherTypes(route) },
        };
  const params = {
    ...(route.params === undefined ? {} : { path: route.params as z.ZodObject }),
    ...(route.query === undefined ? {} : { query: route.query as z.ZodObject }),
    ...header,
  };
  const { deprecated } = route;
  return {
    summary: route.summary,
    ...who,
    tags: [subjectOf(route.path).slug],
    ...(deprecated === undefined
      ? {}
      : { deprecated: true, description: `${who.description} ${deprecationText(deprecated)}` }),
    requestParams: params,
    ...(route.body === undefined ? {} : { requestBody: requestBody(route, route.body) }),
    responses: {
      [status]: success,
      default: problem,
    },
  };
}

const problem = { description: "A problem", content: { "application/problem+json": { schema: Problem } } };

function signedOperation({ path, summary, header, body, response }: SignedRoute): ZodOpenApiOperationObject {
  return {
    summary,
    description: `Without a key: ${header} says who calls.`,
    security: [],
    tags: [subjectOf(path).slug],
    requestBody: { required: true, content: { "application/json": { schema: body } } },
    responses: {
      "200": { description: "Success", content: { "application/json": { schema: response } } },
      default: problem,
    },
  };
}

function otherTypes(route: Described) {
  return Object.fromEntries(
    (route.offers ?? []).map((type) => [
      type,
      {
        schema: type.startsWith("text/")
          ? { type: "string" as const }
          : { type: "string" as const, format: "binary" },
      },
    ]),
  );
}

function requestBody(route: Described, body: z.ZodType) {
  const types = route.contentTypes ?? ["application/json"];
  const schema = route.path === "/events" ? UsageEventSchema : body;
  const content = Object.fromEntries(
    types.map((type) => [type, { schema: type.includes("batch") ? schema.array().max(1000) : schema }]),
  );
  return { required: !route.bodyOptional, content };
}
