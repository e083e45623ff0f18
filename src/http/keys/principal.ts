import { timingSafeEqual } from "node:crypto";
import type { Request } from "express";
import { type Duty, findSession, type OpenSession, type Role, type Scope } from "../../access/index.ts";
import { Refusal } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { KnownKeys } from "./known-keys.ts";
import { hashSecret, isSecret } from "./secret.ts";
import { requireSameOrigin, sessionToken } from "./session-cookie.ts";

export { ROLES, type Role, SCOPES, type Scope } from "../../access/index.ts";

const BELIEVED_MS = 1_000;

/** Who calls: an API key or a person with its role, and what it is bound to. */
export interface Principal {
  /** A key's id, `user:` and a user's, or `operator` with the configured key. */
  id: string;
  role: Role;
  payee: string | null;
  customer: string | null;
  sources: string[] | null;
  scope: Scope;
  name: string | null;
  /** What a person may do within its role; null for keys: everything. */
  duties: Duty[] | null;
  /** The session of a browser; null for a program with a key. */
  session: OpenSession | null;
}

type Caller = { sql: Sql; operatorKey: string | null; publicUrl: string };

/**
 * Who sent a request: the key in its Authorization header, or else the session in its cookie. With a session, changes must
 * come from one of the service's own pages.
 * @throws Refusal unauthenticated, origin_not_allowed
 */
export async function principalOfRequest(context: Caller, request: Request): Promise<Principal> {
  const header = request.headers.authorization;
  const token = header === undefined ? sessionToken(request) : undefined;
  if (token === undefined) return authenticate(context.sql, context.operatorKey, header);
  const principal = await principalOfSession(context, token);
  if (request.method !== "GET" && request.method !== "HEAD") requireSameOrigin(request, context.publicUrl);
  return principal;
}

/** @throws Refusal unauthenticated */
export async function principalOfSession(context: Caller, token: string): Promise<Principal> {
  const principal = await findSession(context.sql, token, context.operatorKey);
  if (principal === undefined) throw new Refusal("unauthenticated", "this session is over: sign in again");
  return principal;
}

/**
 * A key that was found is believed for a second: so long may a revoked one still work in another process of this
 * installation (`revokeKey` is at once in its own). Keys that were not found are asked for again each time.
 * @throws Refusal unauthenticated
 */
export async function authenticate(
  sql: Sql,
  operatorKey: string | null,
  header: string | undefined,
): Promise<Principal> {
  const secret = /^Bearer ([\x21-\x7e]{16,512})$/.exec(header ?? "")?.[1];
  if (secret === undefined) {
    throw new Refusal("unauthenticated", "send an API key: Authorization: Bearer <key>");
  }
  if (operatorKey !== null && isOperatorKey(secret, operatorKey)) return OPERATOR;
  if (!isSecret(secret))
    throw new Refusal("unauthenticated", "this is no API key, or it was not copied whole");
  const principal = await knownKeysOf(sql).find(hashSecret(secret), (hash) => principalOf(sql, hash));
  if (principal === undefined)
    throw new Refusal("unauthenticated", "this API key is not known, has expired, or was revoked");
  return principal;
}

const OPERATOR: Principal = {
  id: "operator",
  role: "operator",
  payee: null,
  customer: null,
  sources: null,
  scope: "write",
  name: null,
  duties: null,
  session: null,
};

/** From the moment that this returns no key is believed without being looked at again. */
export function forgetKnownKeys(sql: Sql): void {
  knownKeysOf(sql).forgetAll();
}

async function principalOf(sql: Sql, secretHash: string): Promise<Principal | undefined> {
  const [row] = await sql<(Omit<Principal, "duties" | "session"> & { used_lately: boolean })[]>`
    SELECT id, role, payee, customer, sources, scope, name,
      coalesce(last_used_at > now() - interval '1 minute', false) AS used_lately
    FROM api_key
    WHERE secret_hash = ${secretHash} AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`;
  if (row === undefined) return undefined;
  const { used_lately, ...principal } = row;
  if (!used_lately) await noteUse(sql, principal.id);
  return { ...principal, duties: null, session: null };
}

/** A database that takes no writes still answers questions: then the note is left out. */
async function noteUse(sql: Sql, id: string): Promise<void> {
  await sql`
    UPDATE api_key SET last_used_at = now()
    WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at <= now() - interval '1 minute')`.catch(
    () => {},
  );
}

/** Each database of this process has its own keys. */
const knownKeys = new WeakMap<Sql, KnownKeys<Principal>>();

function knownKeysOf(sql: Sql): KnownKeys<Principal> {
  const known = knownKeys.get(sql) ?? new KnownKeys<Principal>(BELIEVED_MS);
  knownKeys.set(sql, known);
  return known;
}

/** A person who signed in as an owner of its payee; a key is none, whatever it may do. */
export function isOwner({ role, duties }: Principal): boolean {
  return role === "payee" && duties?.includes("owner") === true;
}

/** Nobody learns whether something exists that is not theirs: it is as if it did not. @throws Refusal not_found */
export function requireOwn(principal: Principal, kind: "payee" | "customer", id: string): void {
  if (principal.role !== "operator" && principal[kind] !== id)
    throw new Refusal("not_found", `there is no ${kind} ${id}`);
}

let configured: { key: string; bytes: Buffer } | undefined;

/** In a time that tells only whether both are equally long. The configured key does not change while a process lives. */
function isOperatorKey(secret: string, operatorKey: string): boolean {
  if (configured?.key !== operatorKey) configured = { key: operatorKey, bytes: Buffer.from(operatorKey) };
  const shown = Buffer.from(secret);
  return shown.length === configured.bytes.length && timingSafeEqual(shown, configured.bytes);
}
