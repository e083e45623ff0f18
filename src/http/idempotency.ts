import { createHash } from "node:crypto";
import type { Request, Response } from "express";
import { Refusal } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { Principal } from "./keys/principal.ts";
import type { RouteAnswer } from "./route.ts";

/** After this a request that never answered is taken for dead, and its key may be used again. */
const ABANDONED_AFTER_SECONDS = 60;

/**
 * Answers a request; a POST that names an Idempotency-Key is carried out once, and repeated with the same content gets
 * the same answer, before anything is validated again. Only successes are kept: a refused request may be mended.
 */
export async function answerOnce(
  sql: Sql,
  principal: Principal,
  request: Request,
  response: Response,
  carryOut: () => Promise<RouteAnswer>,
): Promise<void> {
  const key = request.method === "POST" ? request.get("Idempotency-Key") : undefined;
  if (key === undefined) return send(response, await carryOut());
  if (key.length === 0 || key.length > 255) {
    throw new Refusal("parameter_invalid", "Idempotency-Key: 1 to 255 characters");
  }
  const requestHash = hashOf(request);
  const kept = await reserve(sql, principal.id, key, requestHash);
  if (kept !== undefined) {
    response.setHeader("Idempotent-Replayed", "true");
    return send(response, kept);
  }
  let answer: RouteAnswer;
  try {
    answer = await carryOut();
  } catch (error) {
    await sql`DELETE FROM idempotent_request WHERE principal = ${principal.id} AND key = ${key}`;
    throw error;
  }
  await sql`
    UPDATE idempotent_request SET status = ${answer.status ?? 200}, response = ${JSON.stringify(answer.keep ?? answer.body)}::text::jsonb
    WHERE principal = ${principal.id} AND key = ${key}`;
  send(response, answer);
}

/** Takes the key for this request, or answers what was answered before. @throws Refusal */
async function reserve(
  sql: Sql,
  principal: string,
  key: string,
  requestHash: string,
): Promise<RouteAnswer | undefined> {
  const taken = await sql`
    INSERT INTO idempotent_request AS r (principal, key, request_hash) VALUES (${principal}, ${key}, ${requestHash})
    ON CONFLICT (principal, key) DO UPDATE SET created_at = now()
    WHERE r.status IS NULL AND r.request_hash = excluded.request_hash
      AND r.created_at < now() - make_interval(secs => ${ABANDONED_AFTER_SECONDS})
    RETURNING 1`;
  if (taken.length > 0) return undefined;
  const [row] = await sql<{ request_hash: string; status: number | null; response: unknown }[]>`
    SELECT request_hash, status, response FROM idempotent_request WHERE principal = ${principal} AND key = ${key}`;
  if (row !== undefined && row.request_hash !== requestHash) {
    throw new Refusal(
      "idempotency_key_reused",
      "this Idempotency-Key was used for another request: take a new one",
    );
  }
  if (row === undefined || row.status === null) {
    throw new Refusal(
      "idempotency_key_in_progress",
      "the request with this Idempotency-Key is still being handled: ask again in a moment",
    );
  }
  return { status: row.status, body: row.response };
}

function hashOf(request: Request): string {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  return createHash("sha256").update(`${request.method} ${request.originalUrl}\n`).update(body).digest("hex");
}

export function send(response: Response, answer: RouteAnswer): void {
  if (answer.stream !== undefined) {
    answer.stream(response);
    return;
  }
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  response.status(answer.status ?? 200);
  if (answer.file !== undefined) {
    // A file of one's own is for nobody's cache between.
    response.setHeader("Cache-Control", "private, no-store");
    response.attachment(answer.file.name).type(answer.file.type).send(answer.file.bytes);
  } else if (answer.status === 204 || answer.status === 303) response.end();
  else {
    const pieces = answer.written ?? [JSON.stringify(answer.body)];
    response.setHeader("Content-Type", "application/json; charset=utf-8");
    response.setHeader(
      "Content-Length",
      pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0),
    );
    response.cork();
    for (const piece of pieces.slice(0, -1)) response.write(piece);
    response.end(pieces.at(-1));
  }
}
