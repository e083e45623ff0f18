import type { Sql } from "../../postgres/index.ts";
import type { UsageStatus } from "../../pricing/index.ts";
import { billedContentNumber, eventIdentity } from "../../usage/index.ts";
import { type Check, DIFFERENCES_MAX } from "../check.ts";

interface StoredEvent {
  event_no: string;
  source: string;
  id: string;
  occurred_at: string;
  customer: string;
  model: string;
  version: string;
  status: UsageStatus;
  parent: string | null;
  predict_seconds: string | null;
  input_tokens: string | null;
  output_tokens: string | null;
  images: string | null;
  others: Record<string, string> | null;
}

/** What an event was charged for was hashed when it came: whatever of it was changed since, shows. */
export const eventContents: Check = {
  law: "every metered event is what its identity and its content hash say",
  async find(sql) {
    const differences: string[] = [];
    const blocks = await sql<{ block_no: string }[]>`
      SELECT block_no::text FROM usage_block WHERE block_no > (SELECT coalesce(max(block_no), 0) FROM identity_floor)
      ORDER BY block_no`;
    for (const { block_no } of blocks) {
      differences.push(...(await wrongOf(sql, await eventsOf(sql, block_no))));
      if (differences.length >= DIFFERENCES_MAX) break;
    }
    return differences.slice(0, DIFFERENCES_MAX);
  },
};

async function eventsOf(sql: Sql, block: string): Promise<StoredEvent[]> {
  return sql<StoredEvent[]>`
    SELECT ((b.block_no << 20) + e.place)::text AS event_no, s.source, e.id, e.occurred_at::text, c.id AS customer,
      m.id AS model, v.version, t.status, e.parent, e.predict_seconds::text, e.input_tokens::text, e.output_tokens::text,
      e.images::text, o.others
    FROM usage_block b
    CROSS JOIN LATERAL events_of_block(b.events, b.group_term_no, b.group_customer_no, b.source_nos) e
    JOIN usage_term t ON t.term_no = e.term_no
    JOIN usage_source s USING (source_no) JOIN customer c USING (customer_no)
    JOIN model m USING (model_no) JOIN model_version v USING (model_version_no)
    LEFT JOIN (SELECT x.place, jsonb_object_agg(x.meter, x.quantity::text) AS others
               FROM usage_block y CROSS JOIN LATERAL unpack_other_meters(y.events) x WHERE y.block_no = ${block} GROUP BY 1) o
      USING (place)
    WHERE b.block_no = ${block}`;
}

async function wrongOf(sql: Sql, events: readonly StoredEvent[]): Promise<string[]> {
  const identities = events.map(({ source, id }) => eventIdentity(source, id));
  const rows = await sql<{ identity: string; content: string; event_no: string | null }[]>`
    SELECT identity, content::text, event_no::text FROM usage_identity WHERE identity = ANY (${identities}::uuid[])`;
  const known = new Map(rows.map((row) => [row.identity, row]));
  return events.flatMap((event, index) => {
    const identity = known.get(identities[index] ?? "");
    const said = `event ${event.source} ${event.id} (${event.event_no})`;
    if (identity?.event_no !== event.event_no) return [`${said}: its identity is missing or another event's`];
    const content = billedContentNumber({
      ...event,
      occurredAt: BigInt(event.occurred_at),
      quantities: quantitiesOf(event),
    }).toString();
    return content === identity.content
      ? []
      : [`${said}: its content is not what was metered under its identity`];
  });
}

function quantitiesOf(event: StoredEvent): Map<string, bigint> {
  const { predict_seconds, input_tokens, output_tokens, images, others } = event;
  const all = { runs: "1", predict_seconds, input_tokens, output_tokens, images, ...others };
  return new Map(
    Object.entries(all).flatMap(([meter, quantity]) =>
      quantity === null ? [] : [[meter, BigInt(quantity)] as const],
    ),
  );
}
