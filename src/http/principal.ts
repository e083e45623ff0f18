import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { Refusal } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import { KnownKeys } from "./known-keys.ts";

export const ROLES = ["operator", "ingest", "payee", "customer"] as const;
export type Role = (typeof ROLES)[number];

const BELIEVED_MS = 1_000;

/** Who calls: an API key with its role, and what it is bound to. */
export interface Principal {
  id: string;
  role: Role;
  payee: string | null;
  customer: string | null;
  sources: string[] | null;
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
    return { id: "operator", role: "operator", payee: null, customer: null, sources: null };
  }
  const principal = await knownKeysOf(sql).find(hashSecret(secret), (hash) => principalOf(sql, hash));
  if (principal === undefined)
    throw new Refusal("unauthenticated", "this API key is not known, or was revoked");
  return principal;
}

async function principalOf(sql: Sql, secretHash: string): Promise<Principal | undefined> {
  const [principal] = await sql<Principal[]>`
    SELECT id, role, payee, customer, sources FROM api_key
    WHERE secret_hash = ${secretHash} AND revoked_at IS NULL`;
  return principal;
}

/** Each database of this process has its own keys. */
const knownKeys = new WeakMap<Sql, KnownKeys<Principal>>();

function knownKeysOf(sql: Sql): KnownKeys<Principal> {
  const known = knownKeys.get(sql) ?? new KnownKeys<Principal>(BELIEVED_MS);
  knownKeys.set(sql, known);
  return known;
}

export interface NewKey {
  role: Role;
  payee?: string | undefined;
  customer?: string | undefined;
  sources?: string[] | undefined;
}

/** Makes a key. The secret is shown once: only its hash is kept. */
export async function createKey(sql: Sql, key: NewKey): Promise<{ id: string; secret: string }> {
  const id = `key_${randomBytes(9).toString("base64url")}`;
  const secret = `trib_${key.role}_${randomBytes(24).toString("base64url")}`;
  await sql`
    INSERT INTO api_key (id, secret_hash, role, payee, customer, sources) VALUES (${id}, ${hashSecret(secret)},
      ${key.role}, ${key.payee ?? null}, ${key.customer ?? null}, ${key.sources ?? null})`;
  return { id, secret };
}

/** From the moment that this resolves no request of this process is taken with the key. False when there is none. */
export async function revokeKey(sql: Sql, id: string): Promise<boolean> {
  const revoked = await sql`
    UPDATE api_key SET revoked_at = coalesce(revoked_at, now()) WHERE id = ${id} RETURNING 1`;
  knownKeysOf(sql).forgetAll();
  return revoked.length > 0;
}

/** The first operator key of an installation, or undefined when it has one already. */
export async function createFirstOperatorKey(sql: Sql): Promise<string | undefined> {
  const existing = await sql`SELECT FROM api_key WHERE role = 'operator' AND revoked_at IS NULL LIMIT 1`;
  return existing.length > 0 ? undefined : (await createKey(sql, { role: "operator" })).secret;
}

/** Nobody learns whether something exists that is not theirs: it is as if it did not. @throws Refusal not_found */
export function requireOwn(principal: Principal, kind: "payee" | "customer", id: string): void {
  if (principal.role !== "operator" && principal[kind] !== id)
    throw new Refusal("not_found", `there is no ${kind} ${id}`);
}

function hashSecret(secret: string): string {
  return sha256(secret).toString("hex");
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
