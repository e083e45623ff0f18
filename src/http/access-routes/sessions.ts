import type { Request } from "express";
import { z } from "zod";
import {
  asOtherUser,
  listSessions,
  openSession,
  otherRolesOf,
  revokeSession,
  type SessionOwner,
  useLoginLink,
} from "../../access/index.ts";
import { Id } from "../../catalog/index.ts";
import { Refusal } from "../../kernel/index.ts";
import type { AppContext } from "../context.ts";
import { authenticate, type Principal, principalOfSession, ROLES, SCOPES } from "../keys/principal.ts";
import { requireSameOrigin, sessionCookie, sessionToken } from "../keys/session-cookie.ts";
import { defineOpenRoute, type OpenRoute } from "../open-route.ts";
import { defineRoute, type Route } from "../route.ts";
import { MomentCursor, momentCursor, PageQuery, page, pageOf } from "../schemas.ts";

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
  others: z
    .array(
      z.object({
        user: z.string(),
        role: z.enum(ROLES),
        payee: z.string().nullable(),
        customer: z.string().nullable(),
      }),
    )
    .meta({
      description: "The same person's other users: POST /v1/sessions with one of them goes on as it.",
    }),
});

async function whoIs(context: AppContext, principal: Principal): Promise<z.infer<typeof Who>> {
  const { role, payee, customer, scope, duties, name, session } = principal;
  const others = duties === null || session === null ? [] : await otherRolesOf(context.sql, session.id);
  const ends = { session: session?.id ?? null, expires_at: session?.expires_at ?? null };
  return { role, payee, customer, scope, duties, name, ...ends, others };
}

const postSession = defineOpenRoute({
  method: "post",
  path: "/sessions",
  summary:
    "Sign a browser in, with an API key, the token of a link that came by mail, or as another user of the same person",
  body: z.union([
    z.strictObject({ api_key: z.string().min(1).max(512) }),
    z.strictObject({ login_token: z.string().min(1).max(512) }),
    z.strictObject({ user: Id.meta({ description: "One of `others` of the session that one has." }) }),
  ]),
  status: 201,
  response: Who,
  async handle({ body, context }, request) {
    // A form of another site must not sign anybody in as somebody else; programs send no Origin.
    if (request.get("Origin") !== undefined || "user" in body) requireSameOrigin(request, context.publicUrl);
    const { cookie, principal } = await signIn(context, request, await ownerOf(context, request, body));
    return {
      body: await whoIs(context, principal),
      actor: principal,
      headers: { "Set-Cookie": cookie, "Cache-Control": "no-store" },
    };
  },
});

type Proof = { api_key: string } | { login_token: string } | { user: string };

/** @throws Refusal unauthenticated, login_token_invalid, no_such_user */
async function ownerOf(context: AppContext, request: Request, proof: Proof): Promise<SessionOwner> {
  if ("login_token" in proof) return useLoginLink(context.sql, proof.login_token);
  if ("api_key" in proof) {
    const principal = await authenticate(context.sql, context.operatorKey, `Bearer ${proof.api_key}`);
    return principal.id === "operator" ? { operatorKey: proof.api_key } : { apiKey: principal.id };
  }
  const session = (await principalOfSession(context, sessionToken(request) ?? "")).session?.id ?? "";
  const other = await asOtherUser(context.sql, session, proof.user);
  if (other === undefined)
    throw new Refusal("no_such_user", `user: ${proof.user} is no other user of the person who is signed in`);
  return other;
}

/** Signs a browser in: the Set-Cookie, and who it is now. */
export async function signIn(context: AppContext, request: Request, owner: SessionOwner) {
  const { token, maxAgeSeconds } = await openSession(context.sql, owner, request.get("User-Agent"));
  const cookie = sessionCookie(context.publicUrl, token, maxAgeSeconds);
  return { cookie, principal: await principalOfSession(context, token) };
}

const getCurrent = defineRoute({
  method: "get",
  path: "/sessions/current",
  asOwner: true,
  summary: "Who is signed in, or whose key this is",
  roles: ROLES,
  response: Who,
  handle: async ({ principal, context }) => ({
    body: await whoIs(context, principal),
    headers: { "Cache-Control": "no-store" },
  }),
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
  asOwner: true,
  summary: "One's own open sessions, the newest first",
  roles: ROLES,
  query: PageQuery.extend({ cursor: MomentCursor }),
  response: pageOf(SessionView),
  async handle({ query, principal, context }) {
    const asked = { limit: query.limit + 1, before: query.cursor };
    const sessions = await listSessions(context.sql, principal.id, asked);
    const { data, next_cursor } = page(sessions, query.limit, momentCursor);
    const current = principal.session?.id;
    const shown = data.map(({ micros, ...one }) => ({ ...one, current: one.id === current }));
    return { body: { data: shown, next_cursor } };
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
