import type { Sql } from "../../postgres/index.ts";

/** What of a prediction a chain is followed by. */
export interface Link {
  /** As `eventIdentity` has it. */
  identity: string;
  source: string;
  id: string;
  parent: string | null;
}

/** Those of them that are known, metered or waiting for the catalogue. */
export async function linksOf(sql: Sql, identities: readonly string[]): Promise<Link[]> {
  return sql<Link[]>`
    WITH found AS MATERIALIZED (
      SELECT identity, event_no FROM usage_identity WHERE identity = ANY (${identities as string[]}::text[]::uuid[])
    )
    SELECT replace(f.identity::text, '-', '') AS identity, coalesce(s.source, p.event->>'s') AS source,
      coalesce(e.id, p.event->>'e') AS id, coalesce(e.parent, p.event->>'p') AS parent
    FROM found f
    LEFT JOIN usage_events_at(ARRAY(SELECT event_no FROM found WHERE event_no IS NOT NULL)) e ON e.event_no = f.event_no
    LEFT JOIN usage_source s ON s.source_no = e.source_no
    LEFT JOIN parked_event p ON f.event_no IS NULL AND p.identity = f.identity
    WHERE e.id IS NOT NULL OR p.identity IS NOT NULL`;
}

/** The first events, as they were metered, that name one of these as their parent, whatever the parent's source; at most `limit`. */
export async function linksBelow(
  sql: Sql,
  names: readonly string[],
  limit: number,
): Promise<Omit<Link, "identity">[]> {
  return sql<Omit<Link, "identity">[]>`
    WITH child AS MATERIALIZED (
      SELECT event_no FROM chained_event
      WHERE parent_key IN (SELECT parent_key(name) FROM unnest(${names as string[]}::text[]) AS name)
      ORDER BY event_no LIMIT ${limit}
    )
    SELECT s.source, e.id, e.parent
    FROM usage_events_at(ARRAY(SELECT event_no FROM child)) e JOIN usage_source s USING (source_no) ORDER BY e.event_no`;
}
