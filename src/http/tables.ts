import { integer, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { moment } from "../postgres/index.ts";

/** API keys: only the SHA-256 of a secret is kept. */
export const apiKey = pgTable("api_key", {
  id: text().primaryKey(),
  secretHash: text("secret_hash").notNull().unique(),
  role: text().notNull(),
  payee: text(),
  customer: text(),
  sources: text().array(),
  /** What it is called by those who made it. */
  name: text(),
  /** The first characters of the secret. */
  shown: text().notNull(),
  /** read: GET only; write: everything that its role may do. */
  scope: text().notNull(),
  expiresAt: moment("expires_at"),
  /** Not more than a minute behind. */
  lastUsedAt: moment("last_used_at"),
  /** The key that took its place. */
  replacedBy: text("replaced_by"),
  createdAt: moment("created_at").notNull().defaultNow(),
  /** Whose it is: a key's id, `user:` and a user's, `operator` for the configured key, `start` of the first one. */
  madeBy: text("made_by").notNull(),
  revokedAt: moment("revoked_at"),
});

/** Answers to POSTs that named an Idempotency-Key: the same key and request get the same answer again. */
export const idempotentRequest = pgTable(
  "idempotent_request",
  {
    principal: text().notNull(),
    key: text().notNull(),
    requestHash: text("request_hash").notNull(),
    status: integer(),
    response: jsonb(),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.principal, t.key] })],
);
