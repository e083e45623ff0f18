import { createHash, randomBytes } from "node:crypto";
import type { Sql } from "../postgres/index.ts";

/** A public link to a prediction, without its token: that is shown once. */
export interface Share {
  id: string;
  created_at: string;
  expires_at: string | null;
}

/** The prediction that is shared. */
export interface Shared {
  source: string;
  id: string;
  customer: string;
}

/** Makes a link that everybody who has it may open; 192 random bits, of which only the hash is kept. */
export async function createShare(
  sql: Sql,
  { source, id, customer }: Shared,
  { by, expiresAt }: { by: string; expiresAt: string | null },
): Promise<{ share: Share; token: string }> {
  const shareId = `share_${randomBytes(9).toString("base64url")}`;
  const token = randomBytes(24).toString("base64url");
  const [row] = await sql<[ShareRow]>`
    INSERT INTO prediction_share (id, token_hash, source, prediction, customer, created_by, expires_at)
    VALUES (${shareId}, ${hashOf(token)}, ${source}, ${id}, ${customer}, ${by}, ${expiresAt})
    RETURNING id, created_at, expires_at`;
  return { share: view(row), token };
}

/** The oldest first; after one (by when it was made, in microseconds since 1970, and its id), whether or not it is still there. */
export async function listShares(
  sql: Sql,
  { source, id }: Omit<Shared, "customer">,
  {
    limit,
    after = { micros: "0", id: "" },
  }: { limit: number; after?: { micros: string; id: string } | undefined },
): Promise<(Share & { micros: string })[]> {
  const rows = await sql<(ShareRow & { micros: string })[]>`
    SELECT id, created_at, expires_at, epoch_micros(created_at)::text AS micros FROM prediction_share
    WHERE source = ${source} AND prediction = ${id} AND (epoch_micros(created_at), id) > (${after.micros}::bigint, ${after.id})
    ORDER BY created_at, id LIMIT ${limit}`;
  return rows.map((row) => ({ ...view(row), micros: row.micros }));
}

/** Takes a link back: from now on it leads nowhere. Answers whether there was one. */
export async function deleteShare(
  sql: Sql,
  { source, id }: Omit<Shared, "customer">,
  share: string,
): Promise<boolean> {
  const deleted = await sql`
    DELETE FROM prediction_share WHERE id = ${share} AND source = ${source} AND prediction = ${id} RETURNING 1`;
  return deleted.length > 0;
}

/** What a token leads to; undefined for one that never was, was taken back, or has expired: nobody learns which. */
export async function findShared(sql: Sql, token: string): Promise<Shared | undefined> {
  const [row] = await sql<Shared[]>`
    SELECT source, prediction AS id, customer FROM prediction_share
    WHERE token_hash = ${hashOf(token)} AND (expires_at IS NULL OR expires_at > now())`;
  return row;
}

interface ShareRow {
  id: string;
  created_at: Date;
  expires_at: Date | null;
}

function view({ id, created_at, expires_at }: ShareRow): Share {
  return { id, created_at: created_at.toISOString(), expires_at: expires_at?.toISOString() ?? null };
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
