import { randomBytes } from "node:crypto";
import type { Sql } from "../postgres/index.ts";
import type { Duty, Role, Scope } from "./roles.ts";
import { hashToken, newToken } from "./token.ts";

/** A session ends so long after its last request, */
const IDLE_HOURS = 12;
/** and so long after its beginning, whatever happens. */
const LASTS_DAYS = 7;
const USER_AGENT_CHARACTERS_MAX = 200;

/** As whom a session acts: it may do exactly what that key or person may do, for as long as they may. */
export type SessionOwner = { apiKey: string } | ProvenUser | { operatorKey: string };

/** A user, and the address by which a mail or the identity provider proved that it is this person. */
export interface ProvenUser {
  user: string;
  provenEmail: string;
}

export interface OpenSession {
  id: string;
  expires_at: string;
}

export interface SessionPrincipal {
  id: string;
  role: Role;
  payee: string | null;
  customer: string | null;
  sources: string[] | null;
  scope: Scope;
  name: string | null;
  duties: Duty[] | null;
  session: OpenSession;
}

/** Begins a session. The token is shown once: only its hash is kept. */
export async function openSession(
  sql: Sql,
  owner: SessionOwner,
  userAgent: string | undefined,
): Promise<{ token: string; session: OpenSession; maxAgeSeconds: number }> {
  const token = newToken();
  const id = `ses_${randomBytes(9).toString("base64url")}`;
  const [row] = await sql<[{ expires_at: Date }]>`
    INSERT INTO session (id, token_hash, api_key, app_user, proven_email, operator_proof, user_agent, expires_at)
    VALUES (${id}, ${hashToken(token)}, ${"apiKey" in owner ? owner.apiKey : null}, ${"user" in owner ? owner.user : null},
      ${"user" in owner ? owner.provenEmail : null},
      ${"operatorKey" in owner ? operatorProof(token, owner.operatorKey) : null},
      ${userAgent?.slice(0, USER_AGENT_CHARACTERS_MAX) ?? null}, now() + make_interval(days => ${LASTS_DAYS}))
    RETURNING expires_at`;
  const session = { id, expires_at: row.expires_at.toISOString() };
  return { token, session, maxAgeSeconds: LASTS_DAYS * 86_400 };
}

/** As whom this token acts; undefined when it is unknown, over, revoked, or when its key or user may do nothing any more. */
export async function findSession(
  sql: Sql,
  token: string,
  operatorKey: string | null,
): Promise<SessionPrincipal | undefined> {
  const [row] = await sql<SessionRow[]>`
    SELECT s.id AS session_id, least(s.expires_at, k.expires_at) AS expires_at, s.operator_proof,
      s.last_seen_at > now() - interval '1 minute' AS seen_lately,
      coalesce(k.id, 'user:' || u.id, 'operator') AS id, coalesce(k.role, u.role, 'operator') AS role,
      coalesce(k.payee, u.payee) AS payee, coalesce(k.customer, u.customer) AS customer, k.sources,
      coalesce(k.scope, CASE WHEN u.duties <@ '{support,viewer}' AND u.duties <> '{}' THEN 'read' ELSE 'write' END) AS scope,
      coalesce(k.name, u.name, u.email) AS name, u.duties
    FROM session s LEFT JOIN api_key k ON k.id = s.api_key LEFT JOIN app_user u ON u.id = s.app_user
    WHERE s.token_hash = ${hashToken(token)} AND s.revoked_at IS NULL AND s.expires_at > now()
      AND s.last_seen_at > now() - make_interval(hours => ${IDLE_HOURS})
      AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND u.disabled_at IS NULL`;
  if (row === undefined) return undefined;
  const { session_id, expires_at, operator_proof, seen_lately, ...principal } = row;
  if (operator_proof !== null) {
    if (operatorKey === null || operator_proof !== operatorProof(token, operatorKey)) return undefined;
  }
  if (!seen_lately) await noteSeen(sql, session_id);
  return { ...principal, session: { id: session_id, expires_at: expires_at.toISOString() } };
}

interface SessionRow extends Omit<SessionPrincipal, "session"> {
  session_id: string;
  expires_at: Date;
  operator_proof: string | null;
  seen_lately: boolean;
}

/** A database that takes no writes still answers questions: then the note is left out. */
async function noteSeen(sql: Sql, id: string): Promise<void> {
  await sql`UPDATE session SET last_seen_at = now() WHERE id = ${id}`.catch(() => {});
}

export interface SessionView {
  id: string;
  created_at: string;
  last_seen_at: string;
  expires_at: string;
  user_agent: string | null;
}

/** The sessions of one principal that are still open, the newest first. */
export async function listSessions(
  sql: Sql,
  principal: string,
  { limit, before }: { limit: number; before?: { micros: string; id: string } | undefined },
): Promise<(SessionView & { micros: string })[]> {
  const rows = await sql<
    (Record<"created_at" | "last_seen_at" | "expires_at", Date> & SessionView & { micros: string })[]
  >`
    SELECT id, created_at, last_seen_at, expires_at, user_agent, epoch_micros(created_at)::text AS micros FROM session
    WHERE (${before === undefined} OR (epoch_micros(created_at), id) < (${before?.micros ?? "0"}::bigint, ${before?.id ?? ""}))
      AND ${principalIs(sql, principal)} AND revoked_at IS NULL AND expires_at > now()
      AND last_seen_at > now() - make_interval(hours => ${IDLE_HOURS})
    ORDER BY created_at DESC, id DESC LIMIT ${limit}`;
  return rows.map((row) => ({
    ...row,
    created_at: row.created_at.toISOString(),
    last_seen_at: row.last_seen_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
  }));
}

/** Ends one session of this principal; false when it has none with this id. */
export async function revokeSession(sql: Sql, principal: string, id: string): Promise<boolean> {
  const revoked = await sql`
    UPDATE session SET revoked_at = coalesce(revoked_at, now())
    WHERE id = ${id} AND ${principalIs(sql, principal)} RETURNING 1`;
  return revoked.length > 0;
}

function principalIs(sql: Sql, principal: string) {
  return sql`coalesce(api_key, 'user:' || app_user, 'operator') = ${principal}`;
}

/** The token is random and not kept: what is stored tells nothing about the operator's key. */
function operatorProof(token: string, operatorKey: string): string {
  return hashToken(`${token}\n${operatorKey}`);
}
