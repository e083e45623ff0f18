import { createHash, randomUUID } from "node:crypto";
import type { NextFunction, Request, Response } from "express";
import { appendAudit } from "../../access/index.ts";
import { REFUSALS, Refusal } from "../../kernel/index.ts";
import { redactJson } from "../../secrets/index.ts";
import type { AppContext } from "../context.ts";
import type { Route, RouteAnswer } from "../route.ts";
import type { Principal } from "./principal.ts";

/** The one place where the audit log is written from. */

interface Who {
  principal: Principal;
  request: Request;
}

const REQUEST_ID = /^[\w.:-]{1,100}$/;
/** Of what was asked and answered; of more its hash is kept. */
const JSON_BYTES_MAX = 16_384;
const SECRET = /secret|password|token|api_key|authorization/i;

/** Gives each request a name that stands in its answer and in the audit log: the caller's own, if it gave one. */
export function nameRequest(request: Request, response: Response, next: NextFunction): void {
  const given = request.get("X-Request-Id");
  response.setHeader("X-Request-Id", given !== undefined && REQUEST_ID.test(given) ? given : randomUUID());
  next();
}

/** Carries out a change and notes who made it, with what was there before and what came of it. */
export async function audited(
  context: AppContext,
  route: Route,
  who: Who,
  carryOut: () => Promise<RouteAnswer>,
): Promise<RouteAnswer> {
  if (!isChange(route) || who.request.query.dry_run === "true") return carryOut();
  const before = await route.before?.({ params: who.request.params, context });
  const answer = await carryOut();
  const body = who.request.body;
  const kept = route.askedAudited !== false && Buffer.isBuffer(body) && body.length > 0;
  const asked = kept ? readable(body) : undefined;
  const after = answer.keep ?? answer.body;
  await append(context, route, who, { status: answer.status ?? 200, code: null, before, asked, after });
  return answer;
}

/** Notes who was refused a change for want of a right. Reading is not noted. */
export async function refusalAudited(
  context: AppContext,
  route: Route,
  who: Who,
  ask: () => Promise<void>,
): Promise<void> {
  try {
    await ask();
  } catch (error) {
    if (error instanceof Refusal && isChange(route))
      await append(context, route, who, { status: REFUSALS[error.code], code: error.code });
    throw error;
  }
}

/** Notes who signed in. What was shown for it is a secret. */
export function signInAudited(
  context: AppContext,
  route: Pick<Route, "method" | "path">,
  who: Who,
): Promise<void> {
  return append(context, route, who, { status: 201, code: null });
}

const isChange = (route: Route) => route.method !== "get" && route.audited !== false;

async function append(
  context: AppContext,
  { method, path }: Pick<Route, "method" | "path">,
  { principal, request }: Who,
  said: { status: number; code: string | null; before?: unknown; asked?: unknown; after?: unknown },
): Promise<void> {
  const [before, asked, after] = [shown(said.before), shown(said.asked), shown(said.after)];
  await appendAudit(context.sql, {
    principal: principal.id,
    role: principal.role,
    session: principal.session?.id ?? null,
    requestId: String(request.res?.getHeader("X-Request-Id")),
    route: `${method.toUpperCase()} ${path}`,
    target: request.originalUrl.slice(0, 2000).replace(/\?.*/, withoutValues),
    ...{ ...said, before, asked, after },
  });
}

/** A query may hold what a provider sent along: only plain settings are kept. */
function withoutValues(query: string): string {
  return SECRET.test(query) || /[?&](code|state)=/.test(query) ? "" : query;
}

function readable(body: Buffer): unknown {
  if (body.length > JSON_BYTES_MAX * 4) return summary(body);
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return summary(body);
  }
}

/** As JSON, without secrets, and not longer than a person reads. */
function shown(value: unknown): unknown {
  if (value === undefined || value === null) return undefined;
  const text = JSON.stringify(value, (name, inner: unknown) => {
    if (typeof inner === "string") return SECRET.test(name) ? "[left out]" : storable(inner);
    return typeof inner === "bigint" ? String(inner) : inner;
  });
  if (Buffer.byteLength(text) > JSON_BYTES_MAX) return summary(Buffer.from(text));
  return redactJson(JSON.parse(text));
}

/** PostgreSQL's JSON holds neither NUL nor half a character. */
function storable(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}

function summary(bytes: Buffer) {
  return { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}
