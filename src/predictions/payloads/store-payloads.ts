import { deflateRawSync, inflateRawSync } from "node:zlib";
import { refusedByDatabase, type Sql } from "../../postgres/index.ts";
import { billedContent, eventIdentity, type TakenEvent, type UsageEvent } from "../../usage/index.ts";
import { schemasFor } from "../input-schemas.ts";
import type { DataKeys } from "./data-keys.ts";
import { type PredictionPayload, payloadOf } from "./payload.ts";
import { open, seal } from "./vault.ts";

/** So often a shredding may come between. */
const TRIES_MAX = 3;

/** Where payloads are kept, and for how long unless somebody says otherwise. */
export interface PayloadStore {
  sql: Sql;
  keys: DataKeys;
  retentionDays: number;
}

/**
 * Keeps what came with the events, encrypted, once for each event. It is called before the events go into the log, so an event
 * that is acknowledged has its payload; one whose event is not taken in the end is never shown, and goes as all do.
 */
export async function storePayloads(store: PayloadStore, taken: readonly TakenEvent[]): Promise<void> {
  const events = uniquely(taken.filter(({ sent }) => hasPayload(sent)));
  if (events.length === 0) return;
  const kept = await withDays(store, events);
  if (kept.length === 0) return;
  const schemas = await schemasFor(
    store.sql,
    kept.map(({ event }) => event),
  );
  const payloads = kept.flatMap(({ event, sent, days }) => {
    const payload = payloadOf(sent, schemas(event.model, event.version));
    return payload === undefined ? [] : [{ event, days, payload }];
  });
  for (let tries = 1; ; tries++) {
    try {
      await insert(store, payloads);
      return;
    } catch (error) {
      if (refusedByDatabase(error)?.code !== "payload_key_gone" || tries >= TRIES_MAX) throw error;
      store.keys.forget();
    }
  }
}

/**
 * What came with an event; undefined when nothing is kept, or the rules in force now say that it should not be, though the
 * sweeper has not come to it yet. The event that counts is the one with this content.
 */
export async function findPayload(
  { sql, keys }: Pick<PayloadStore, "sql" | "keys">,
  source: string,
  id: string,
): Promise<{ payload: PredictionPayload; expires_at: string | null } | undefined> {
  const identity = eventIdentity(source, id);
  const [row] = await sql<StoredRow[]>`
    SELECT p.customer, p.key_no, p.body, p.content::text AS content,
      CASE WHEN NOT rule.hold THEN to_char(rule.until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END AS expires_at
    FROM usage_identity u JOIN payload_ref r USING (identity, content)
    JOIN prediction_payload p ON p.expires_on = r.expires_on AND p.identity = r.identity AND p.content = r.content
    LEFT JOIN payload_rule c ON c.kind = 'customer' AND c.subject = r.customer
    LEFT JOIN payload_rule m ON m.kind = 'model' AND m.subject = r.model
    CROSS JOIN LATERAL (SELECT coalesce(c.hold, false) AS hold,
      least(r.expires_at, r.stored_at + make_interval(days => least(c.days, m.days))) AS until) rule
    WHERE u.identity = ${identity} AND (rule.hold OR rule.until > now())`;
  if (row === undefined) return undefined;
  const key = await keys.find(row.customer, row.key_no);
  if (key === undefined) return undefined;
  const plain = inflateRawSync(open(key, row.body, about(row.customer, identity, row.content)));
  return { payload: JSON.parse(plain.toString()) as PredictionPayload, expires_at: row.expires_at };
}

interface StoredRow {
  customer: string;
  key_no: number;
  body: Buffer;
  content: string;
  expires_at: string | null;
}

interface Keeping {
  event: UsageEvent;
  sent: Record<string, unknown>;
  days: number;
}

function hasPayload({ input, output, logs, error }: Record<string, unknown>): boolean {
  return [input, output, logs, error].some((value) => value !== undefined && value !== null);
}

/** The first of those that are sent twice in one batch. */
function uniquely(taken: readonly TakenEvent[]): TakenEvent[] {
  const byEvent = new Map<string, TakenEvent>();
  for (const one of taken) {
    const key = `${eventIdentity(one.event.source, one.event.id)} ${billedContent(one.event)}`;
    if (!byEvent.has(key)) byEvent.set(key, one);
  }
  return [...byEvent.values()];
}

/** Those that are kept at all. */
async function withDays(store: PayloadStore, events: readonly TakenEvent[]): Promise<Keeping[]> {
  const rows = await store.sql<{ days: number }[]>`
    SELECT payload_days(n.customer, n.model, ${store.retentionDays}) AS days
    FROM unnest(${textArray(events.map(({ event }) => event.customer))}::text::text[],
      ${textArray(events.map(({ event }) => event.model))}::text::text[]) WITH ORDINALITY AS n(customer, model, place)
    ORDER BY n.place`;
  return events.flatMap((one, index) => {
    const days = rows[index]?.days ?? 0;
    return days > 0 ? [{ ...one, days }] : [];
  });
}

async function insert(
  { sql, keys }: PayloadStore,
  payloads: readonly { event: UsageEvent; days: number; payload: PredictionPayload }[],
): Promise<void> {
  const rows: { identity: string; content: string; keyNo: number; body: Buffer }[] = [];
  for (const { event, payload } of payloads) {
    const identity = eventIdentity(event.source, event.id);
    const content = billedContent(event).toString();
    const key = await keys.current(event.customer);
    const plain = deflateRawSync(JSON.stringify(payload), { level: 1 });
    const body = seal(key.bytes, plain, about(event.customer, identity, content));
    rows.push({ identity, content, keyNo: key.keyNo, body });
  }
  await sql`SELECT store_payloads(${`{${rows.map(({ identity }) => identity)}}`}::text::uuid[],
    ${`{${rows.map(({ content }) => content)}}`}::text::bigint[],
    ${textArray(payloads.map(({ event }) => event.customer))}::text::text[],
    ${textArray(payloads.map(({ event }) => event.model))}::text::text[],
    ${`{${rows.map(({ keyNo }) => keyNo)}}`}::text::int[], ${`{${payloads.map(({ days }) => days)}}`}::text::int[],
    ${`{${rows.map(({ body }) => `"\\\\x${body.toString("hex")}"`)}}`}::text::bytea[])`;
}

/** Identity as PostgreSQL writes a uuid or not: the digits alone. */
function about(customer: string, identity: string, content: string): string[] {
  return ["payload", customer, identity.replaceAll("-", ""), content];
}

/** Ids of customers and models, which need no escapes. */
function textArray(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text}"`)}}`;
}
