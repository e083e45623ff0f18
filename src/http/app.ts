import express, { type Express, type NextFunction, type Request, type Response, Router } from "express";
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
  app.set("trust proxy", context.proxyHops);

  app.use(beforeApi());
  mountApi(app, context);
  mountDashboard(app);
  mountWatching(app, watching);
  const document = openApiDocument(ROUTES, OPEN_ROUTES, stripeWebhook);
  mountReference(app, document, context.publicUrl);
  const openapi = JSON.stringify(document);
  app.get("/openapi.json", (_request, response) => {
    response.type("application/json").send(openapi);
  });

  app.use((request, response, next) => {
    const methods = methodsAt(request.path);
    if (methods.length > 0) response.setHeader("Allow", methods.join(", "));
    next(unknownPath(request.method, request.path, methods));
  });
  app.use(problemHandler(context.logger));
  return app;
}

/** Routes whose paths begin the same way together, so that a request is compared with a few of them and not with all. */
function mountApi(app: Express, context: AppContext): void {
  const limit = context.requestsPerMinute === null ? undefined : limitRequests(context.requestsPerMinute);
  const byAddress = limitByAddress();
  const routers = new Map<string, Router>();
  const routerOf = (path: string) => {
    const [, first = ""] = path.split("/");
    const router = routers.get(first) ?? Router();
    routers.set(first, router);
    return router;
  };
  mountSignedRoute(routerOf(stripeWebhook.path), context, stripeWebhook);
  for (const route of OPEN_ROUTES) mountOpenRoute(routerOf(route.path), context, route, byAddress);
  for (const route of ROUTES) mountRoute(routerOf(route.path), context, route, limit);
  app.use((request, response, next) => {
    const [, , first = ""] = request.path.split("/", 3);
    const router = routers.get(first.toLowerCase());
    if (router === undefined) next();
    else router(request, response, next);
  });
}

type Middleware = (request: Request, response: Response, next: NextFunction) => void;

const API_PATH = /^\/v1(\/|$)/i;
const DOCUMENT_PATH = /^\/openapi\.json\/?$/i;

/** What all of the API has in common. One step that looks at the path itself: a mounted one costs a request several times as much. */
function beforeApi(): Middleware {
  // Nothing of the API is a page: no browser may run, frame or guess at any of it.
  const nothing = {
    directives: { "default-src": ["'none'"], "frame-ancestors": ["'none'"] },
    useDefaults: false,
  };
  const setHeaders = alwaysTheSame(helmet({ contentSecurityPolicy: nothing }));
  return (request, response, next) => {
    const ofApi = API_PATH.test(request.path);
    if (ofApi || DOCUMENT_PATH.test(request.path)) setHeaders(response);
    if (ofApi) nameRequest(request, response);
    next();
  };
}

/** Sets what a middleware that looks at no request sets, without asking it each time. */
function alwaysTheSame(middleware: Middleware): (response: Response) => void {
  const headers = new Map<string, string>();
  const recorder = {
    setHeader: (name: string, value: string) => headers.set(name, value),
    removeHeader: (name: string) => headers.delete(name),
  };
  middleware({} as Request, recorder as unknown as Response, () => {});
  return (response) => {
    for (const [name, value] of headers) response.setHeader(name, value);
  };
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
