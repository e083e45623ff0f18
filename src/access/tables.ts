import { sql } from "drizzle-orm";
import { bigint, boolean, index, integer, jsonb, pgTable, text, uniqueIndex } from "drizzle-orm/pg-core";
import { moment } from "../postgres/index.ts";

/** People: an e-mail address bound to one role. Whoever has several roles is several users with one address. */
export const appUser = pgTable(
  "app_user",
  {
    id: text().primaryKey(),
    /** In small letters. */
    email: text().notNull(),
    name: text(),
    role: text().notNull(),
    payee: text(),
    customer: text(),
    /** What they may do within the role: maker, approver, support; owner, viewer. */
    duties: text().array().notNull(),
    /** Told by mail what happens to its payee's money. */
    notices: boolean().notNull().default(true),
    createdAt: moment("created_at").notNull().defaultNow(),
    createdBy: text("created_by").notNull(),
    disabledAt: moment("disabled_at"),
  },
  (t) => [
    uniqueIndex("app_user_binding").on(t.email, t.role, sql`coalesce(payee, customer, '')`),
    index().on(t.payee),
  ],
);

/** Somebody who is signed in: acts as one API key, one user, or the operator's configured key. Only the token's hash is kept. */
export const session = pgTable(
  "session",
  {
    id: text().primaryKey(),
    tokenHash: text("token_hash").notNull().unique(),
    /** The key or user; null for the configured key. */
    apiKey: text("api_key"),
    appUser: text("app_user").references(() => appUser.id),
    /** Of the token with the configured key: the session ends when another key is configured. */
    operatorProof: text("operator_proof"),
    /** The address that a mail or the identity provider proved when this person signed in; null for keys. */
    provenEmail: text("proven_email"),
    userAgent: text("user_agent"),
    createdAt: moment("created_at").notNull().defaultNow(),
    /** Not more than a minute behind. */
    lastSeenAt: moment("last_seen_at").notNull().defaultNow(),
    expiresAt: moment("expires_at").notNull(),
    revokedAt: moment("revoked_at"),
  },
  (t) => [index().on(t.apiKey), index().on(t.appUser)],
);

/** A way in that was asked for by mail. The token is made when the mail is sent, and its hash is kept. */
export const loginLink = pgTable(
  "login_link",
  {
    id: text().primaryKey(),
    appUser: text("app_user")
      .notNull()
      .references(() => appUser.id),
    tokenHash: text("token_hash").unique(),
    createdAt: moment("created_at").notNull().defaultNow(),
    expiresAt: moment("expires_at"),
    usedAt: moment("used_at"),
  },
  (t) => [index().on(t.appUser, t.createdAt)],
);

/** A browser that is on its way to the identity provider and back. */
export const oidcAttempt = pgTable("oidc_attempt", {
  stateHash: text("state_hash").primaryKey(),
  /** Of the cookie of the browser that began. */
  browserHash: text("browser_hash").notNull(),
  nonce: text().notNull(),
  codeVerifier: text("code_verifier").notNull(),
  createdAt: moment("created_at").notNull().defaultNow(),
});

/**
 * Who changed what, chained by hash; written by append_audit() alone, and never changed. What it tells of is proved where it is
 * kept: this proves that nobody has rewritten what was told.
 */
export const auditEntry = pgTable(
  "audit_entry",
  {
    /** From 1 on, without gaps. */
    entryNo: bigint("entry_no", { mode: "bigint" }).primaryKey(),
    at: moment("at").notNull(),
    /** A key's id, `user:` and a user's, or `operator`. */
    principal: text().notNull(),
    role: text().notNull(),
    session: text(),
    requestId: text("request_id").notNull(),
    /** "PUT /payees/{id}" */
    route: text().notNull(),
    /** The path that was asked for, with its query. */
    target: text().notNull(),
    status: integer().notNull(),
    /** Why it was refused; null when it was done. */
    code: text(),
    before: jsonb(),
    asked: jsonb(),
    after: jsonb(),
    hash: text().notNull(),
  },
  (t) => [index().on(t.principal, t.entryNo)],
);

/** The last entry of the audit log: what is cut off at the end is missed. */
export const auditHead = pgTable("audit_head", {
  singleton: integer().primaryKey(),
  entryNo: bigint("entry_no", { mode: "bigint" }).notNull(),
  hash: text().notNull(),
});
