import { randomBytes } from "node:crypto";
import { Refusal } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { forgetKnownKeys, type Role, type Scope } from "./principal.ts";
import { hashSecret, newSecret, shownPart } from "./secret.ts";

export interface NewKey {
  role: Role;
  payee?: string | undefined;
  customer?: string | undefined;
  sources?: string[] | undefined;
  name?: string | undefined;
  scope?: Scope | undefined;
  /** RFC 3339; without one it is good until it is revoked. */
  expires_at?: string | undefined;
}

/** Makes a key, which counts as whoever made it. The secret is shown once: only its hash is kept. */
export async function createKey(
  sql: Sql,
  key: NewKey,
  madeBy: string,
): Promise<{ id: string; secret: string }> {
  const id = newId();
  const secret = newSecret(key.role);
  await sql`
    INSERT INTO api_key (id, secret_hash, shown, role, payee, customer, sources, name, scope, expires_at, made_by)
    VALUES (${id}, ${hashSecret(secret)}, ${shownPart(secret)}, ${key.role}, ${key.payee ?? null},
      ${key.customer ?? null}, ${key.sources ?? null}, ${key.name ?? null}, ${key.scope ?? "write"}, ${key.expires_at ?? null},
      ${madeBy})`;
  return { id, secret };
}

/** From the moment that this resolves no request of this process is taken with the key. False when there is none. */
export async function revokeKey(sql: Sql, id: string): Promise<boolean> {
  const revoked = await sql`
    UPDATE api_key SET revoked_at = coalesce(revoked_at, now()) WHERE id = ${id} RETURNING 1`;
  forgetKnownKeys(sql);
  return revoked.length > 0;
}

/**
 * Revokes what would go on acting as this user for the operator: operator keys that it made, and those made with them. Other
 * keys that it made work on: they are what programs of others send, ask and read with.
 */
export async function revokeOperatorKeysOf(sql: Sql, user: string): Promise<void> {
  await sql`
    WITH RECURSIVE made AS (
      SELECT id FROM api_key WHERE made_by = ${`user:${user}`}
      UNION SELECT k.id FROM api_key k JOIN made m ON k.made_by = m.id
    )
    UPDATE api_key SET revoked_at = now()
    WHERE id IN (SELECT id FROM made) AND role = 'operator' AND revoked_at IS NULL`;
  forgetKnownKeys(sql);
}

export interface RotatedKey {
  id: string;
  secret: string;
  role: Role;
  /** Until when the old key still works. */
  old_expires_at: string;
}

/**
 * Makes a key like this one, good for as long as that was made for, and lets the old one work until the overlap is over. A key that
 * rotates itself stays whose it was; otherwise the new one is whose who asks.
 * @throws Refusal key_not_rotatable
 */
export async function rotateKey(
  sql: Sql,
  id: string,
  role: Role,
  { overlapSeconds, by: madeBy }: { overlapSeconds: number; by: string },
): Promise<RotatedKey> {
  const [made, secret] = [newId(), newSecret(role)];
  const [row] = await sql<{ old_expires_at: string }[]>`
    WITH old AS (
      SELECT * FROM api_key
      WHERE id = ${id} AND revoked_at IS NULL AND replaced_by IS NULL AND (expires_at IS NULL OR expires_at > now())
      FOR UPDATE
    ), ending AS (
      UPDATE api_key k SET replaced_by = ${made},
        expires_at = least(k.expires_at, now() + make_interval(secs => ${overlapSeconds}))
      FROM old WHERE k.id = old.id RETURNING k.expires_at
    ), made AS (
      INSERT INTO api_key (id, secret_hash, shown, role, payee, customer, sources, name, scope, expires_at, made_by)
      SELECT ${made}, ${hashSecret(secret)}, ${shownPart(secret)}, role, payee, customer, sources, name, scope,
        now() + (expires_at - created_at), CASE WHEN id = ${madeBy} THEN made_by ELSE ${madeBy} END FROM old
    )
    SELECT to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS old_expires_at FROM ending`;
  if (row === undefined) {
    throw new Refusal(
      "key_not_rotatable",
      `${id} was revoked, has expired, or was rotated already: make a new key`,
    );
  }
  forgetKnownKeys(sql);
  return { id: made, secret, role, ...row };
}

export interface KeyView {
  id: string;
  shown: string;
  name: string | null;
  role: Role;
  payee: string | null;
  customer: string | null;
  sources: string[] | null;
  scope: Scope;
  created_at: string;
  made_by: string;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
  replaced_by: string | null;
}

/** By id, all or one payee's; `after` is the last one already seen. */
export async function listKeys(
  sql: Sql,
  { id, payee, after, limit }: { id?: string; payee?: string; after?: string; limit: number },
): Promise<KeyView[]> {
  const rows = await sql<KeyRow[]>`
    SELECT id, shown, name, role, payee, customer, sources, scope, created_at, made_by, expires_at, last_used_at, revoked_at, replaced_by
    FROM api_key WHERE (${id ?? null}::text IS NULL OR id = ${id ?? null}) AND id > ${after ?? ""}
      AND (${payee ?? null}::text IS NULL OR payee = ${payee ?? null})
    ORDER BY id LIMIT ${limit}`;
  return rows.map((row) => ({
    ...row,
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at?.toISOString() ?? null,
    last_used_at: row.last_used_at?.toISOString() ?? null,
    revoked_at: row.revoked_at?.toISOString() ?? null,
  }));
}

type Moments = "created_at" | "expires_at" | "last_used_at" | "revoked_at";
type KeyRow = Omit<KeyView, Moments> & { created_at: Date } & Record<
    Exclude<Moments, "created_at">,
    Date | null
  >;

/** The first operator key of an installation, or undefined when it has one already. */
export async function createFirstOperatorKey(sql: Sql): Promise<string | undefined> {
  const existing = await sql`
    SELECT FROM api_key WHERE role = 'operator' AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) LIMIT 1`;
  return existing.length > 0 ? undefined : (await createKey(sql, { role: "operator" }, "start")).secret;
}

function newId(): string {
  return `key_${randomBytes(9).toString("base64url")}`;
}
