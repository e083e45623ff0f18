import { createHash, timingSafeEqual } from "node:crypto";
import { Refusal } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { KnownKeys } from "./known-keys.ts";
import { hashSecret, isSecret } from "./secret.ts";

export const ROLES = ["operator", "ingest", "payee", "customer"] as const;
export type Role = (typeof ROLES)[number];

/** read: GET only; write: everything that its role may do. */
export const SCOPES = ["read", "write"] as const;
export type Scope = (typeof SCOPES)[number];

const BELIEVED_MS = 1_000;

/** Who calls: an API key with its role, and what it is bound to. */
export interface Principal {
  id: string;
  role: Role;
  payee: string | null;
  customer: string | null;
  sources: string[] | null;
  scope: Scope;
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
  if (operatorKey !== null && timingSafeEqual(sha256(secret), sha256(operatorKey))) {
    return { id: "operator", role: "operator", payee: null, customer: null, sources: null, scope: "write" };
  }
  if (!isSecret(secret))
    throw new Refusal("unauthenticated", "this is no API key, or it was not copied whole");
  const principal = await knownKeysOf(sql).find(hashSecret(secret), (hash) => principalOf(sql, hash));
  if (principal === undefined)
    throw new Refusal("unauthenticated", "this API key is not known, has expired, or was revoked");
  return principal;
}

/** Who shows no key, told apart by where they call from: they may read what is open. */
export function anybody(address: string): Principal {
  return {
    id: `anybody ${address}`,
    role: "customer",
    payee: null,
    customer: null,
    sources: null,
    scope: "read",
  };
}

/** From the moment that this returns no key is believed without being looked at again. */
export function forgetKnownKeys(sql: Sql): void {
  knownKeysOf(sql).forgetAll();
}

async function principalOf(sql: Sql, secretHash: string): Promise<Principal | undefined> {
  const [row] = await sql<(Principal & { used_lately: boolean })[]>`
    SELECT id, role, payee, customer, sources, scope,
      coalesce(last_used_at > now() - interval '1 minute', false) AS used_lately
    FROM api_key
    WHERE secret_hash = ${secretHash} AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`;
  if (row === undefined) return undefined;
  const { used_lately, ...principal } = row;
  if (!used_lately) await noteUse(sql, principal.id);
  return principal;
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

/** Nobody learns whether something exists that is not theirs: it is as if it did not. @throws Refusal not_found */
export function requireOwn(principal: Principal, kind: "payee" | "customer", id: string): void {
  if (principal.role !== "operator" && principal[kind] !== id)
    throw new Refusal("not_found", `there is no ${kind} ${id}`);
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
