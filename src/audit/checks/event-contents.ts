import type { Sql } from "../../postgres/index.ts";
import type { UsageStatus } from "../../pricing/index.ts";
import { billedContent, eventIdentity, type UsageEvent } from "../../usage/index.ts";
import { type Check, DIFFERENCES_MAX } from "../check.ts";

/** An event as it is kept, under the identity and the hash of its content that were kept apart from it. */
interface KeptEvent {
  name: string;
  /** Null when it is forgotten by now. */
  identity: string | null;
  content: string;
  source: string;
  id: string;
  occurred_at: string;
  customer: string;
  model: string;
  version: string;
  status: UsageStatus;
  quantities: Record<string, string>;
}

/** The one check that reaches from what is billed back to what was reported, once the log is gone. */
export const eventContents: Check = {
  law: "every usage identity is the hash of its event's source and id, and its content the hash of what is billed",
  async find(sql) {
    const differences: string[] = [];
    for (const [query, ...values] of await batches(sql)) {
      for (const kept of await sql.unsafe<KeptEvent[]>(query, values)) {
        const wrong = differs(kept);
        if (wrong !== undefined) differences.push(`${kept.name}: ${wrong}`);
      }
      if (differences.length >= DIFFERENCES_MAX) break;
    }
    return differences.slice(0, DIFFERENCES_MAX);
  },
};

async function batches(sql: Sql): Promise<[string, ...string[]][]> {
  const blocks = await sql<{ block_no: string }[]>`
    SELECT block_no::text FROM usage_block ORDER BY usage_block.block_no`;
  return [...blocks.map(({ block_no }): [string, string] => [EVENTS_OF_BLOCK, block_no]), [PARKED_EVENTS]];
}

function differs(kept: KeptEvent): string | undefined {
  if (kept.identity === null) return undefined;
  const { source, id, customer, model, version, status } = kept;
  const event: UsageEvent = {
    source,
    id,
    occurredAt: BigInt(kept.occurred_at),
    customer,
    model,
    version,
    status,
    parent: null,
    hardware: null,
    quantities: new Map(
      Object.entries(kept.quantities).map(([meter, quantity]) => [meter, BigInt(quantity)]),
    ),
  };
  if (eventIdentity(source, id) !== kept.identity)
    return `${source} ${id} has another identity than usage_identity ${kept.identity}`;
  if (billedContent(event).toString() !== kept.content)
    return `its content is not what usage_identity ${kept.identity} was taken for`;
  return undefined;
}

const EVENTS_OF_BLOCK = `
  WITH other AS MATERIALIZED (
    SELECT o.place, jsonb_object_agg(o.meter, o.quantity::text) AS quantities
    FROM usage_block b CROSS JOIN LATERAL unpack_other_meters(b.events) o WHERE b.block_no = $1 GROUP BY 1
  )
  SELECT format('usage block %s, event %s', e.block_no, e.place) AS name, replace(i.identity::text, '-', '') AS identity, i.content::text,
    coalesce(s.source, '') AS source, e.id, epoch_micros(e.occurred_at)::text AS occurred_at, coalesce(c.id, '') AS customer,
    coalesce(m.id, '') AS model, coalesce(v.version, 'a version that is gone') AS version, e.status,
    jsonb_strip_nulls(jsonb_build_object('runs', '1', 'predict_seconds', e.predict_seconds::text, 'input_tokens',
      e.input_tokens::text, 'output_tokens', e.output_tokens::text, 'images', e.images::text)) || coalesce(o.quantities, '{}') AS quantities
  FROM usage_event e
  LEFT JOIN usage_identity i ON i.event_no = e.event_no
  LEFT JOIN usage_source s USING (source_no)
  LEFT JOIN customer c USING (customer_no)
  LEFT JOIN model m USING (model_no)
  LEFT JOIN model_version v USING (model_version_no)
  LEFT JOIN other o USING (place)
  WHERE e.block_no = $1`;

const PARKED_EVENTS = `
  SELECT format('parked event %s', p.parked_no) AS name, replace(p.identity::text, '-', '') AS identity, i.content::text, p.event->>'s' AS source, p.event->>'e' AS id,
    epoch_micros((p.event->>'t')::timestamptz)::text AS occurred_at, p.event->>'u' AS customer, p.event->>'m' AS model,
    p.event->>'v' AS version, p.event->>'k' AS status, p.event->'q' AS quantities
  FROM parked_event p JOIN usage_identity i USING (identity)`;
