import { randomUUID } from "node:crypto";
import type { Request, Response } from "express";
import { appendAudit, bodyInAudit, namesSecret, shownInAudit } from "../../access/index.ts";
import { REFUSALS, Refusal } from "../../kernel/index.ts";
import type { AppContext } from "../context.ts";
import type { Route, RouteAnswer } from "../route.ts";
import type { Principal } from "./principal.ts";

/** The one place where the audit log is written from, for what comes over HTTP. */

interface Who {
  principal: Principal;
  request: Request;
}

const REQUEST_ID = /^[\w.:-]{1,100}$/;

/** Gives each request a name that stands in its answer and in the audit log: the caller's own, if it gave one. */
export function nameRequest(request: Request, response: Response): void {
  const given = request.get("X-Request-Id");
  response.setHeader("X-Request-Id", given !== undefined && REQUEST_ID.test(given) ? given : randomUUID());
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
  const asked = kept ? bodyInAudit(body) : undefined;
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
  const [before, after] = [shownInAudit(said.before), shownInAudit(said.after)];
  await appendAudit(context.sql, {
    principal: principal.id,
    role: principal.role,
    session: principal.session?.id ?? null,
    requestId: String(request.res?.getHeader("X-Request-Id")),
    route: `${method.toUpperCase()} ${path}`,
    target: request.originalUrl.slice(0, 2000).replace(/\?.*/, withoutValues),
    ...{ ...said, before, asked: said.asked, after },
  });
}

/** A query may hold what a provider sent along: only plain settings are kept. */
function withoutValues(query: string): string {
  return namesSecret(query) || /[?&](code|state)=/.test(query) ? "" : query;
}
