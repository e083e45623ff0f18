import { randomBytes } from "node:crypto";
import { Refusal } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { EventType } from "./event-types.ts";
import { newSigningSecret } from "./sign.ts";
import { readTarget, TargetRefused } from "./target.ts";

const ENDPOINTS_MAX = 16;
/** Both secrets sign for so long after a rotation. */
const OVERLAP_HOURS = 24;

/** One of the two is named; neither for the operator's, which is told everybody's events. */
export interface EndpointOwner {
  payee: string | null;
  customer: string | null;
}

export interface WebhookEndpoint extends EndpointOwner {
  id: string;
  url: string;
  /** Null for every type. */
  events: EventType[] | null;
  created_at: string;
  failing_since: string | null;
  disabled_at: string | null;
  disabled_reason: string | null;
}

export interface NewEndpoint extends EndpointOwner {
  url: string;
  events: EventType[] | null;
}

/** The secret is shown once. @throws Refusal webhook_url_invalid, too_many_endpoints */
export async function createEndpoint(
  sql: Sql,
  { payee, customer, url, events }: NewEndpoint,
  allowed: ReadonlySet<string>,
): Promise<{ endpoint: WebhookEndpoint; secret: string }> {
  const target = acceptableUrl(url, allowed);
  const id = `we_${randomBytes(9).toString("base64url")}`;
  const secret = newSigningSecret();
  const made = await sql`
    INSERT INTO webhook_endpoint (id, payee, customer, url, events, secret)
    SELECT ${id}, ${payee}, ${customer}, ${target}, ${events}, ${secret}
    WHERE (SELECT count(*) FROM webhook_endpoint
           WHERE payee IS NOT DISTINCT FROM ${payee} AND customer IS NOT DISTINCT FROM ${customer} AND deleted_at IS NULL)
      < ${ENDPOINTS_MAX}
    RETURNING 1`;
  if (made.length === 0)
    throw new Refusal(
      "too_many_endpoints",
      `there are at most ${ENDPOINTS_MAX} endpoints for one payee, one customer, or everybody: delete one first`,
    );
  const endpoint = await findEndpoint(sql, id);
  if (endpoint === undefined) throw new Refusal("not_found", `endpoint ${id} was deleted meanwhile`);
  return { endpoint, secret };
}

function acceptableUrl(url: string, allowed: ReadonlySet<string>): string {
  try {
    return readTarget(url, allowed).href;
  } catch (error) {
    if (!(error instanceof TargetRefused)) throw error;
    const field = { path: "url", code: "webhook_url_invalid", message: error.message };
    throw new Refusal("webhook_url_invalid", `url: ${error.message}`, [field]);
  }
}

/** The oldest first; after one, by when it was made (in microseconds since 1970) and its id. */
export async function listEndpoints(
  sql: Sql,
  {
    id,
    payee,
    customer,
    everybody = false,
  }: { id?: string; payee?: string; customer?: string; everybody?: boolean },
  {
    limit,
    after = { micros: "0", id: "" },
  }: { limit: number; after?: { micros: string; id: string } | undefined },
): Promise<(WebhookEndpoint & { micros: string })[]> {
  const rows = await sql<
    (Omit<WebhookEndpoint, Moments> & Record<Moments, Date | null> & { micros: string })[]
  >`
    SELECT epoch_micros(created_at)::text AS micros, id, payee, customer, url, events, created_at, failing_since, disabled_at, disabled_reason FROM webhook_endpoint
    WHERE deleted_at IS NULL AND (${id ?? null}::text IS NULL OR id = ${id ?? null})
      AND (${payee ?? null}::text IS NULL OR payee = ${payee ?? null})
      AND (${customer ?? null}::text IS NULL OR customer = ${customer ?? null})
      AND (NOT ${everybody} OR (payee IS NULL AND customer IS NULL))
      AND (epoch_micros(created_at), id) > (${after.micros}::bigint, ${after.id}) ORDER BY created_at, id LIMIT ${limit}`;
  return rows.map((row) => ({
    ...row,
    created_at: row.created_at?.toISOString() ?? "",
    failing_since: row.failing_since?.toISOString() ?? null,
    disabled_at: row.disabled_at?.toISOString() ?? null,
  }));
}

/** Undefined for one that never was, or was deleted. */
export async function findEndpoint(sql: Sql, id: string): Promise<WebhookEndpoint | undefined> {
  const [found] = await listEndpoints(sql, { id }, { limit: 1 });
  if (found === undefined) return undefined;
  const { micros, ...endpoint } = found;
  return endpoint;
}

type Moments = "created_at" | "failing_since" | "disabled_at";

/** What was told to it stays in the log; what still waits is not sent. */
export async function deleteEndpoint(sql: Sql, id: string): Promise<void> {
  await sql`
    WITH gone AS (UPDATE webhook_endpoint SET deleted_at = clock_timestamp() WHERE id = ${id} RETURNING id)
    UPDATE webhook_delivery SET state = 'failed' WHERE endpoint_id IN (SELECT id FROM gone) AND state = 'pending'`;
}

/** A new secret; the one before signs beside it for a day. */
export async function rotateEndpointSecret(sql: Sql, id: string): Promise<string> {
  const secret = newSigningSecret();
  await sql`
    UPDATE webhook_endpoint SET old_secret = secret, secret = ${secret},
      old_secret_until = clock_timestamp() + make_interval(hours => ${OVERLAP_HOURS}) WHERE id = ${id}`;
  return secret;
}

/** Sends again, beginning with what waited. */
export async function enableEndpoint(sql: Sql, id: string): Promise<void> {
  await sql`SELECT enable_endpoint(${id})`;
}
