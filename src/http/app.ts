import express, { type Express } from "express";
import helmet from "helmet";
import { Refusal } from "../kernel/index.ts";
import { stripeWebhook } from "./billing-routes/stripe-webhooks.ts";
import type { AppContext } from "./context.ts";
import { mountDashboard } from "./dashboard-files.ts";
import { nameRequest } from "./keys/audited.ts";
import { limitByAddress, limitRequests } from "./keys/rate-limit.ts";
import { mountOpenRoute } from "./open-route.ts";
import { openApiDocument } from "./openapi.ts";
import { problemHandler } from "./problem.ts";
import { mountReference } from "./reference/reference-pages.ts";
import { mountRoute } from "./route.ts";
import { OPEN_ROUTES, ROUTES } from "./routes.ts";
import { mountSignedRoute } from "./signed-route.ts";
import { mountWatching, type Watching } from "./watching.ts";

/** The HTTP API over the parts it is given. It listens on nothing by itself. */
export function createApp(context: AppContext, watching: Watching): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", "simple");

  // Nothing of the API is a page: no browser may run, frame or guess at any of it.
  const nothing = {
    directives: { "default-src": ["'none'"], "frame-ancestors": ["'none'"] },
    useDefaults: false,
  };
  app.use(["/v1", "/openapi.json"], helmet({ contentSecurityPolicy: nothing }));
  app.use("/v1", nameRequest);
  mountDashboard(app);
  mountWatching(app, watching);
  const document = openApiDocument(ROUTES, OPEN_ROUTES, stripeWebhook);
  mountReference(app, document);
  const openapi = JSON.stringify(document);
  app.get("/openapi.json", (_request, response) => {
    response.type("application/json").send(openapi);
  });
  const limit = context.requestsPerMinute === null ? undefined : limitRequests(context.requestsPerMinute);
  mountSignedRoute(app, context, stripeWebhook);
  const byAddress = limitByAddress();
  for (const route of OPEN_ROUTES) mountOpenRoute(app, context, route, byAddress);
  for (const route of ROUTES) mountRoute(app, context, route, limit);

  app.use((request, response, next) => {
    const methods = methodsAt(request.path);
    if (methods.length > 0) response.setHeader("Allow", methods.join(", "));
    next(unknownPath(request.method, request.path, methods));
  });
  app.use(problemHandler(context.logger));
  return app;
}

function methodsAt(path: string): string[] {
  return [...OPEN_ROUTES, ...ROUTES]
    .filter((route) => pattern(route.path).test(path))
    .map((route) => route.method.toUpperCase());
}

function unknownPath(method: string, path: string, methods: string[]): Refusal {
  if (methods.length > 0)
    return new Refusal("method_not_allowed", `${path} takes ${methods.join(", ")}, not ${method}`);
  return new Refusal(
    "not_found",
    `there is nothing at ${path}: /reference shows what there is, /openapi.json lists it`,
  );
}

function pattern(path: string): RegExp {
  return new RegExp(`^/v1${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
}
