import type { IRouter, Request, RequestHandler, Response } from "express";
import type { z } from "zod";
import { Refusal } from "../kernel/index.ts";
import type { AppContext } from "./context.ts";
import { answerOnce } from "./idempotency.ts";
import { refuseUnknownParameters } from "./input/known-parameters.ts";
import { bodyOf, bodyReader, parse } from "./input/read-input.ts";
import { refuseNul } from "./input/storable-text.ts";
import { audited, refusalAudited } from "./keys/audited.ts";
import { type Principal, principalOfRequest, type Role } from "./keys/principal.ts";
import type { RateLimit } from "./keys/rate-limit.ts";
import { type Deprecation, sayDeprecated } from "./reference/deprecation.ts";

export interface RouteInput<P, Q, B> {
  params: P;
  query: Q;
  body: B;
  principal: Principal;
  context: AppContext;
  /** Of the media types that the route gives, the one that the caller likes best. */
  accepts: string;
}

/** An answer that is no JSON. */
export interface FileAnswer {
  type: string;
  name: string;
  bytes: Buffer | string;
}

export interface RouteAnswer {
  /** The route's own, once it is answered. */
  status?: number;
  body: unknown;
  /** What is kept for a repeated Idempotency-Key, when it is not the whole body: secrets are not. */
  keep?: unknown;
  headers?: Record<string, string>;
  /** Who is signed in by it, where nobody was before. */
  actor?: Principal;
  /**
   * The body as JSON, by routes that have checked it against their schema and written it out before: in pieces that are kept, so
   * that what is long is not copied for each answer.
   */
  written?: readonly Buffer[];
  /** Sent instead of the body, by routes that `offer` its type. */
  file?: FileAnswer;
  /** Answers by itself, for as long as it likes, instead of the body. */
  stream?: (response: Response) => void;
}

/** One endpoint: what it takes and gives (zod, also the source of the OpenAPI document), who may call it, what it does. */
export interface Route<P = unknown, Q = unknown, B = unknown> {
  method: "get" | "post" | "put" | "delete";
  /** Under /v1, with OpenAPI's braces: "/payees/{id}". */
  path: string;
  summary: string;
  roles: readonly Role[];
  /** It has to go: answers and the document say since when, until when, and what to use instead. */
  deprecated?: Deprecation;
  /**
   * Which of an operator's people may call it, when it changes something: makers unless it says otherwise; `both`: who is
   * maker and approver in one, since it gives away either right; `any`: everybody who does not only read.
   */
  duty?: "maker" | "approver" | "both" | "any";
  /** A GET that notes something, or reads what no policy lets payees see: its own conditions alone say whose rows it reads. */
  asOwner?: true;
  /** False where it changes nothing that anybody would ask for later (usage, drafts), or where it keeps what people say. */
  audited?: false;
  /** False where the body may hold secrets that no name gives away: the audit log keeps only what was answered. */
  askedAudited?: false;
  /** What is there before the change, for the audit log. */
  before?(input: { params: P; context: AppContext }): Promise<unknown>;
  params?: z.ZodType<P>;
  query?: z.ZodType<Q>;
  body?: z.ZodType<B>;
  /** The body may be left out. */
  bodyOptional?: boolean;
  bodyBytesMax?: number;
  /** The handler gets the body as bytes, and parses them itself when it must. */
  bodyAsBytes?: boolean;
  /** Text in the body may hold a NUL or half a surrogate, which no text in the database does: what models were given and gave. */
  anyText?: true;
  /** Says who calls, by a signature of the body; undefined when it has none, and then a key is asked for. @throws Refusal */
  signedBy?(body: Buffer, request: Request, context: AppContext): Principal | undefined;
  /** May be called with the scope read though it is no GET: it changes nothing but the caller's own access. */
  readersToo?: boolean;
  /** Content types other than application/json: then `body` sees the parsed JSON as it is. */
  contentTypes?: readonly string[];
  status?: number;
  /** Media types that it gives besides JSON, to those who ask for them. */
  offers?: readonly string[];
  response: z.ZodType;
  handle(input: RouteInput<P, Q, B>, request: Request): Promise<RouteAnswer>;
}

/** Keeps a route's types together: what `params`, `query` and `body` parse is what `handle` gets. */
export function defineRoute<P, Q, B>(route: Route<P, Q, B>): Route {
  return route as unknown as Route;
}

const BODY_BYTES_MAX = 1_048_576;

export function mountRoute(app: IRouter, context: AppContext, route: Route, limit?: RateLimit): void {
  const path = `/v1${route.path.replaceAll(/\{(\w+)\}/g, ":$1")}`;
  const readBody = bodyReader(
    route.contentTypes ?? ["application/json"],
    route.bodyBytesMax ?? BODY_BYTES_MAX,
  );
  const refuseUnknown = refuseUnknownParameters(route.query);
  const steps: RequestHandler[] = [
    ...(route.deprecated === undefined ? [] : [sayDeprecated(route)]),
    async (request, response) => {
      const signed = route.signedBy !== undefined && request.get("webhook-signature") !== undefined;
      if (signed) await readBody(request, response);
      const signer = signed ? route.signedBy?.(bytesOf(request), request, context) : undefined;
      const principal = signer ?? (await principalOfRequest(context, request));
      await limit?.(principal, request, response);
      await refusalAudited(context, route, { principal, request }, async () =>
        requireRights(principal, route),
      );
      refuseNul(request);
      refuseUnknown(request);
      if (route.body !== undefined && !signed) await readBody(request, response);
      await answerOnce(context.sql, principal, request, response, () =>
        audited(context, route, { principal, request }, () =>
          restricted(context, route, principal, (read) =>
            answer({ context: read, principal }, route, request),
          ),
        ),
      );
    },
  ];
  app[route.method](path, ...steps);
}

/** @throws Refusal role_not_allowed, scope_not_allowed, duty_not_allowed */
function requireRights(principal: Principal, route: Route): void {
  if (!route.roles.includes(principal.role)) {
    throw new Refusal(
      "role_not_allowed",
      `a key with the role ${principal.role} may not do this; it takes ${route.roles.join(" or ")}`,
    );
  }
  if (principal.scope === "read" && route.method !== "get" && route.readersToo !== true) {
    throw new Refusal(
      "scope_not_allowed",
      principal.session === null
        ? "this key may only read: use one with the scope write"
        : `as ${principal.duties?.join(" and ")} you may only read: ${principal.role === "payee" ? "an owner" : "a maker"} does it`,
    );
  }
  requireDuty(principal, route);
}

function bytesOf(request: Request): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

/** @throws Refusal duty_not_allowed */
function requireDuty({ role, duties }: Principal, { method, duty = "maker", readersToo }: Route): void {
  if (role !== "operator" || duties === null || method === "get" || duty === "any" || readersToo === true)
    return;
  const needed = duty === "both" ? (["maker", "approver"] as const) : [duty];
  if (needed.every((one) => duties.includes(one))) return;
  throw new Refusal(
    "duty_not_allowed",
    `this takes the duty ${needed.join(" and the duty ")}, and yours is ${duties.join(" and ")}: ask somebody who has it`,
  );
}

/** What payees and customers read is read over connections that see nothing but their own rows. */
function restricted<T>(
  context: AppContext,
  { method, asOwner }: Route,
  { role, payee, customer }: Principal,
  work: (context: AppContext) => Promise<T>,
): Promise<T> {
  const bound = method === "get" && asOwner !== true && (role === "payee" || role === "customer");
  if (!bound || context.readers === null) return work(context);
  return context.readers.use({ payee, customer }, (sql) => work({ ...context, sql }));
}

type Input = RouteInput<unknown, unknown, unknown>;

/** Reads a request as the route's schemas say, has it handled, and sees that the answer is as they say, too. */
export async function answer<I extends Pick<Input, "context">>(
  from: I,
  route: Omit<Route, "roles" | "handle"> & {
    handle(input: I & Omit<Input, "principal">, request: Request): Promise<RouteAnswer>;
  },
  request: Request,
): Promise<RouteAnswer> {
  const params = parse(route.params, request.params, "parameter_invalid", "path");
  const query = parse(route.query, request.query, "parameter_invalid", "query");
  const body = route.body === undefined ? undefined : bodyOf(route, route.body, request);
  const accepts = negotiate(route, request);
  const given = await route.handle({ ...from, params, query, body, accepts }, request);
  if (given.stream !== undefined) return { body: null, stream: given.stream };
  if (given.file !== undefined) return { status: route.status ?? 200, body: null, file: given.file };
  if (given.written !== undefined) return { ...given, status: route.status ?? 200 };
  // The answer passes its schema too, so that the OpenAPI document cannot say anything else than what is sent.
  return { ...given, status: route.status ?? 200, body: route.response.parse(given.body) };
}

/** @throws Refusal not_acceptable. A route that gives only JSON gives it to everybody. */
function negotiate(route: Pick<Route, "offers">, request: Request): string {
  if (route.offers === undefined) return "application/json";
  const types = ["application/json", ...route.offers];
  const best = request.accepts(types);
  if (best !== false) return best;
  throw new Refusal("not_acceptable", `ask for one of these: Accept: ${types.join(", ")}`);
}
