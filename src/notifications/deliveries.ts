import type { Sql } from "../postgres/index.ts";

const REPLAY_MAX = 10_000;

export interface DeliveryView {
  id: string;
  message: string;
  type: string;
  state: string;
  /** RFC 3339; null when there is none to come, or not before the endpoint is enabled. */
  next_attempt_at: string | null;
  created_at: string;
  attempts: {
    attempt: number;
    ended_at: string;
    status: number | null;
    error: string | null;
    duration_ms: number;
  }[];
  payload: unknown;
}

/** An endpoint's log, newest first; `before` is the id of the last one already seen. */
export async function listDeliveries(
  sql: Sql,
  endpoint: string,
  { before, limit }: { before?: string; limit: number },
): Promise<DeliveryView[]> {
  const rows = await sql<(Omit<DeliveryView, "created_at"> & { created_at: Date })[]>`
    SELECT d.delivery_no::text AS id, m.id AS message, m.type, d.state, d.created_at, m.payload,
      CASE WHEN d.state = 'pending' AND d.next_attempt_at < 'infinity'
        THEN to_char(d.next_attempt_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END AS next_attempt_at,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('attempt', a.attempt, 'status', a.status, 'error', a.error,
         'duration_ms', a.duration_ms, 'ended_at', to_char(a.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
         ORDER BY a.attempt), '[]') FROM webhook_attempt a WHERE a.delivery_no = d.delivery_no) AS attempts
    FROM webhook_delivery d JOIN webhook_message m USING (message_no)
    WHERE d.endpoint_id = ${endpoint} AND (${before ?? null}::bigint IS NULL OR d.delivery_no < ${before ?? null})
    ORDER BY d.delivery_no DESC LIMIT ${limit}`;
  return rows.map((row) => ({ ...row, created_at: row.created_at.toISOString() }));
}

/** Tells an endpoint again what was told since then, or one message; answers how many. Not to a disabled one. */
export async function replay(
  sql: Sql,
  endpoint: string,
  { since, message }: { since?: string | undefined; message?: string | undefined },
): Promise<number> {
  const [row] = await sql<[{ count: number }]>`
    SELECT replay_messages(${endpoint}, ${since ?? null}, ${message ?? null}, ${REPLAY_MAX}) AS count`;
  return row.count;
}
