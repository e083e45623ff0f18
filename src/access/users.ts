import { Refusal } from "../kernel/index.ts";
import { type Sql, violatesUnique } from "../postgres/index.ts";
import type { Duty, Role } from "./roles.ts";
import type { ProvenUser } from "./sessions.ts";

export type UserRole = Exclude<Role, "ingest">;

export interface UserTerms {
  /** In small letters. */
  email: string;
  name: string | null;
  role: UserRole;
  payee: string | null;
  customer: string | null;
  /** Operators: any of maker, approver, support. Payees: owner or viewer. Customers: none. */
  duties: Duty[];
  notices: boolean;
}

export interface UserView extends UserTerms {
  id: string;
  created_at: string;
  created_by: string;
  disabled_at: string | null;
}

/**
 * Registers a person, or changes its address, name and duties; somebody who was disabled may sign in again. Whom a user is
 * bound to never changes: what was done under an id stays the same person's. With another address its sessions are over and
 * its links void: who has the new one proves it by signing in.
 * @throws Refusal user_exists
 */
export async function putUser(sql: Sql, id: string, terms: UserTerms, by: string): Promise<UserView> {
  try {
    await sql`
      WITH known AS (SELECT email FROM app_user WHERE id = ${id}
        AND (role, payee, customer) IS NOT DISTINCT FROM (${terms.role}, ${terms.payee}::text, ${terms.customer}::text)),
      ended AS (UPDATE session SET revoked_at = now() FROM known
        WHERE app_user = ${id} AND revoked_at IS NULL AND known.email <> ${terms.email}),
      voided AS (UPDATE login_link SET used_at = now() FROM known
        WHERE app_user = ${id} AND used_at IS NULL AND known.email <> ${terms.email})
      INSERT INTO app_user AS u (id, email, name, role, payee, customer, duties, notices, created_by)
      VALUES (${id}, ${terms.email}, ${terms.name}, ${terms.role}, ${terms.payee}, ${terms.customer}, ${terms.duties},
        ${terms.notices}, ${by})
      ON CONFLICT (id) DO UPDATE SET email = excluded.email, name = excluded.name, duties = excluded.duties,
        notices = excluded.notices, disabled_at = NULL
      WHERE (u.role, u.payee, u.customer) IS NOT DISTINCT FROM (excluded.role, excluded.payee, excluded.customer)`;
  } catch (error) {
    if (!violatesUnique(error, "app_user")) throw error;
    const message = "a user with this address and role exists already: change that one";
    throw new Refusal("user_exists", `email: ${message}`, [{ path: "email", code: "user_exists", message }]);
  }
  const [user] = await listUsers(sql, { id, limit: 1 });
  const same =
    user?.role === terms.role && user.payee === terms.payee && user.customer === terms.customer
      ? user
      : undefined;
  if (same === undefined)
    throw new Refusal("user_exists", `the user ${id} is bound to somebody else: take another id`);
  return same;
}

/** By id; `after` is the last one already seen. */
export async function listUsers(
  sql: Sql,
  { id, payee, after, limit }: { id?: string; payee?: string; after?: string; limit: number },
): Promise<UserView[]> {
  const rows = await sql<
    (Omit<UserView, "created_at" | "disabled_at"> & { created_at: Date; disabled_at: Date | null })[]
  >`
    SELECT id, email, name, role, payee, customer, duties, notices, created_at, created_by, disabled_at FROM app_user
    WHERE (${id ?? null}::text IS NULL OR id = ${id ?? null}) AND (${payee ?? null}::text IS NULL OR payee = ${payee ?? null})
      AND id > ${after ?? ""} ORDER BY id LIMIT ${limit}`;
  return rows.map((row) => ({
    ...row,
    created_at: row.created_at.toISOString(),
    disabled_at: row.disabled_at?.toISOString() ?? null,
  }));
}

/** From now on the person cannot sign in, and its sessions are over for good. False when there is no such user. */
export async function disableUser(sql: Sql, id: string): Promise<boolean> {
  const disabled = await sql`
    WITH ended AS (UPDATE session SET revoked_at = now() WHERE app_user = ${id} AND revoked_at IS NULL)
    UPDATE app_user SET disabled_at = coalesce(disabled_at, now()) WHERE id = ${id} RETURNING 1`;
  return disabled.length > 0;
}

/** The users with this address, in small letters, that may sign in, the oldest first. */
export async function usersWithEmail(sql: Sql, email: string): Promise<{ id: string }[]> {
  return sql<{ id: string }[]>`
    SELECT id FROM app_user WHERE email = ${email} AND disabled_at IS NULL ORDER BY created_at, id`;
}

export interface OtherRole {
  user: string;
  role: UserRole;
  payee: string | null;
  customer: string | null;
}

/** The same person's other users: as whom it may go on without signing in again. */
export async function otherRolesOf(sql: Sql, session: string): Promise<OtherRole[]> {
  return sql<OtherRole[]>`
    SELECT o.id AS "user", o.role, o.payee, o.customer FROM ${othersOf(sql, session)} ORDER BY o.id`;
}

/** The session's person as another of its users; undefined when that is none of them. */
export async function asOtherUser(sql: Sql, session: string, user: string): Promise<ProvenUser | undefined> {
  const [other] = await sql<ProvenUser[]>`
    SELECT o.id AS "user", s.proven_email AS "provenEmail" FROM ${othersOf(sql, session)} AND o.id = ${user}`;
  return other;
}

/**
 * Only the address that was proved when the session began says who that is: the one that a user has may have been written by
 * anybody who may change users.
 */
function othersOf(sql: Sql, session: string) {
  return sql`session s JOIN app_user o ON o.email = s.proven_email
    WHERE s.id = ${session} AND o.id <> s.app_user AND o.disabled_at IS NULL`;
}
