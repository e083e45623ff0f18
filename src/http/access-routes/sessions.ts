import type { Request } from "express";
import { z } from "zod";
import { listSessions, openSession, revokeSession, type SessionOwner } from "../../access/index.ts";
import { Refusal } from "../../kernel/index.ts";
import type { AppContext } from "../context.ts";
import { authenticate, type Principal, ROLES, SCOPES } from "../keys/principal.ts";
import { requireSameOrigin, sessionCookie } from "../keys/session-cookie.ts";
import { defineOpenRoute, type OpenRoute } from "../open-route.ts";
import { defineRoute, type Route } from "../route.ts";

const Who = z.object({
  role: z.enum(ROLES),
  payee: z.string().nullable(),
  customer: z.string().nullable(),
  scope: z.enum(SCOPES),
  duties: z
    .array(z.string())
    .nullable()
    .meta({ description: "What a person may do within its role; null for keys: everything." }),
  name: z.string().nullable(),
  session: z.string().nullable(),
  expires_at: z.string().nullable().meta({ description: "When the session ends at the latest." }),
});

const whoIs = ({ role, payee, customer, scope, duties, name, session }: Principal): z.infer<typeof Who> => ({
  ...{ role, payee, customer, scope, duties, name },
  session: session?.id ?? null,
  expires_at: session?.expires_at ?? null,
});

const postSession = defineOpenRoute({
  method: "post",
  path: "/sessions",
  summary: "Sign a browser in with an API key: sets the cookie tributary_session",
  body: z.strictObject({ api_key: z.string().min(1).max(512) }),
  status: 201,
  response: Who,
  async handle({ body, context }, request) {
    // A form of another site must not sign anybody in as somebody else; programs send no Origin.
    if (request.get("Origin") !== undefined) requireSameOrigin(request, context.publicUrl);
    const header = `Bearer ${body.api_key}`;
    const principal = await authenticate(context.sql, context.operatorKey, header);
    const configured = principal.id === "operator";
    const owner = configured ? { operatorKey: body.api_key } : { apiKey: principal.id };
    return signIn(context, request, principal, owner);
  },
});

async function signIn(context: AppContext, request: Request, principal: Principal, owner: SessionOwner) {
  const opened = await openSession(context.sql, owner, request.get("User-Agent"));
  const cookie = sessionCookie(context.publicUrl, opened.token, opened.maxAgeSeconds);
  return {
    body: whoIs({ ...principal, session: opened.session }),
    headers: { "Set-Cookie": cookie, "Cache-Control": "no-store" },
  };
}

const getCurrent = defineRoute({
  method: "get",
  path: "/sessions/current",
  summary: "Who is signed in, or whose key this is",
  roles: ROLES,
  response: Who,
  handle: async ({ principal }) => ({ body: whoIs(principal), headers: { "Cache-Control": "no-store" } }),
});

const deleteCurrent = defineRoute({
  method: "delete",
  path: "/sessions/current",
  summary: "Sign out: ends the session and takes its cookie away",
  roles: ROLES,
  readersToo: true,
  status: 204,
  response: z.null(),
  async handle({ principal, context }) {
    if (principal.session === null)
      throw new Refusal("not_found", "there is no session: this request came with a key");
    await revokeSession(context.sql, principal.id, principal.session.id);
    return { body: null, headers: { "Set-Cookie": sessionCookie(context.publicUrl, null, 0) } };
  },
});

const SessionView = z.object({
  id: z.string(),
  created_at: z.string(),
  last_seen_at: z.string().meta({ description: "Not more than a minute behind." }),
  expires_at: z.string(),
  user_agent: z.string().nullable(),
  current: z.boolean(),
});

const getSessions = defineRoute({
  method: "get",
  path: "/sessions",
  summary: "One's own open sessions, the newest first",
  roles: ROLES,
  response: z.object({ data: z.array(SessionView) }),
  async handle({ principal, context }) {
    const sessions = await listSessions(context.sql, principal.id);
    const current = principal.session?.id;
    return { body: { data: sessions.map((one) => ({ ...one, current: one.id === current })) } };
  },
});

const deleteSession = defineRoute({
  method: "delete",
  path: "/sessions/{id}",
  summary: "End one of one's own sessions, at once",
  roles: ROLES,
  readersToo: true,
  params: z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, "a session's id") }),
  status: 204,
  response: z.null(),
  async handle({ params, principal, context }) {
    if (!(await revokeSession(context.sql, principal.id, params.id)))
      throw new Refusal("not_found", `there is no session ${params.id}`);
    return { body: null };
  },
});

export const openSessionRoutes: OpenRoute[] = [postSession];
// "current" before any id.
export const sessionRoutes: Route[] = [getCurrent, deleteCurrent, getSessions, deleteSession];
