import { sql } from "drizzle-orm";
import { boolean, index, pgTable, text, timestamp, uniqueIndex } from "drizzle-orm/pg-core";

const moment = (name: string) => timestamp(name, { withTimezone: true, mode: "string" });

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
