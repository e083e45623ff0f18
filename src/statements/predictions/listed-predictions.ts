import { formatInstant } from "../../kernel/index.ts";
import { lastPlaces } from "../../metering/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { PredictionRange } from "./event-blocks.ts";
import { type EventRow, type StoredPrediction, withFacts } from "./stored-predictions.ts";
import { PredictionFacts } from "./term-facts.ts";

/** Blocks whose groups are looked at in one statement: few at first, since most lists are full soon. */
const BLOCKS_FIRST_LOOK = 8;
const BLOCKS_A_LOOK_MAX = 512;
/** An event's number is its block's, shifted by so many bits, and its place there. */
const PLACE_BITS = 20n;
const DAY_MICROS = 86_400_000_000n;

export interface PredictionSearch extends PredictionRange {
  version: string | null;
  status: string | null;
  /** Only what was metered before this event (its number); null for the newest. */
  before: string | null;
  limit: number;
}

export interface ListedPrediction extends StoredPrediction {
  eventNo: string;
}

/**
 * The predictions that are sought, those that were metered last first, at most `limit`. Blocks are gone through from the newest:
 * their groups tell which have any, and only those are unpacked, from their ends. What waits for the catalogue is not among them.
 */
export async function listPredictions(sql: Sql, search: PredictionSearch): Promise<ListedPrediction[]> {
  const [terms, oldest] = await Promise.all([soughtTerms(sql, search), firstBlock(sql, search)]);
  if (terms.length === 0 || oldest === null) return [];
  const before = search.before === null ? null : BigInt(search.before);
  const found: bigint[] = [];
  let look = BLOCKS_FIRST_LOOK;
  let newest = before === null ? null : (before >> PLACE_BITS).toString();
  while (found.length < search.limit) {
    const blocks = await blocksDown(sql, search, { terms, newest, oldest, look });
    for (const { block_no, groups } of blocks) {
      if (groups === null || found.length >= search.limit) continue;
      const block = BigInt(block_no);
      const below =
        before !== null && before >> PLACE_BITS === block ? before & ((1n << PLACE_BITS) - 1n) : null;
      const places = await placesIn(sql, search, {
        block_no,
        groups,
        below,
        limit: search.limit - found.length,
      });
      found.push(...places.map((place) => (block << PLACE_BITS) + BigInt(place)));
    }
    const last = blocks.at(-1);
    if (last === undefined || blocks.length < look) break;
    newest = (BigInt(last.block_no) - 1n).toString();
    look = Math.min(look * 4, BLOCKS_A_LOOK_MAX);
  }
  return readListed(sql, search, found.map(String));
}

/** What was decided about the events that are meant: everything but their customer and time. */
async function soughtTerms(
  sql: Sql,
  { from, model, version, status, payee }: PredictionSearch,
): Promise<number[]> {
  const [row] = await sql<[{ terms: number[] | null }]>`
    SELECT array_agg(t.term_no) AS terms
    FROM usage_term t JOIN model m USING (model_no) JOIN model_version v USING (model_version_no) JOIN split_plan s USING (split_plan_no)
    WHERE t.booked_period >= date_trunc('month', ${formatInstant(from)}::text::timestamptz AT TIME ZONE 'UTC')
      AND (${model}::text IS NULL OR m.id = ${model}) AND (${version}::text IS NULL OR v.version = ${version})
      AND (${status}::text IS NULL OR t.status = ${status})
      AND (${payee}::text IS NULL OR (t.charged = 1 AND ${payee} = ANY (s.payees)) OR ${payee} = (
        SELECT p.id FROM model_lineage l JOIN payee p USING (payee_no)
        WHERE l.model_no = t.model_no ORDER BY l.effective_from DESC LIMIT 1))`;
  return row.terms ?? [];
}

/** A block is booked after its events were made, give or take a clock. */
async function firstBlock(sql: Sql, { from }: PredictionSearch): Promise<string | null> {
  const [row] = await sql<[{ first: string | null }]>`
    SELECT min(block_no)::text AS first FROM usage_block
    WHERE booked_at >= ${formatInstant(from)}::text::timestamptz - interval '1 hour'`;
  return row.first;
}

interface SoughtBlock {
  block_no: string;
  /** From 1; null when none of them is meant. */
  groups: number[] | null;
}

async function blocksDown(
  sql: Sql,
  { from, to, customer }: PredictionSearch,
  {
    terms,
    newest,
    oldest,
    look,
  }: { terms: readonly number[]; newest: string | null; oldest: string; look: number },
): Promise<SoughtBlock[]> {
  return sql<SoughtBlock[]>`
    WITH term AS MATERIALIZED (SELECT unnest(${terms as number[]}::int[]) AS term_no),
    block AS MATERIALIZED (
      SELECT block_no FROM usage_block WHERE block_no >= ${oldest} AND (${newest}::bigint IS NULL OR block_no <= ${newest}::bigint)
      ORDER BY block_no DESC LIMIT ${look}
    ), sought AS (
      SELECT b.block_no, array_agg(g.grp::int) AS groups
      FROM usage_block b
      CROSS JOIN LATERAL unnest(b.group_term_no, b.group_customer_no, b.group_first) WITH ORDINALITY AS g(term_no, customer_no, first, grp)
      WHERE b.block_no IN (SELECT block_no FROM block)
        AND g.first >= ${(from - (((from % DAY_MICROS) + DAY_MICROS) % DAY_MICROS)).toString()} AND g.first < ${to.toString()}
        AND (${customer}::text IS NULL OR g.customer_no = (SELECT customer_no FROM customer WHERE id = ${customer}))
        AND (g.term_no IN (SELECT term_no FROM term)) IS TRUE
      GROUP BY 1
    )
    SELECT b.block_no::text, s.groups FROM block b LEFT JOIN sought s USING (block_no) ORDER BY b.block_no DESC`;
}

async function placesIn(
  sql: Sql,
  { from, to }: PredictionSearch,
  {
    block_no,
    groups,
    below,
    limit,
  }: { block_no: string; groups: number[]; below: bigint | null; limit: number },
): Promise<number[]> {
  const [row] = await sql<[{ events: string }]>`SELECT events FROM usage_block WHERE block_no = ${block_no}`;
  return lastPlaces(row.events, {
    groups: new Set(groups),
    from: Number(from),
    to: Number(to),
    below: below === null ? Number.POSITIVE_INFINITY : Number(below),
    limit,
  });
}

async function readListed(
  sql: Sql,
  { payee }: PredictionSearch,
  eventNos: readonly string[],
): Promise<ListedPrediction[]> {
  if (eventNos.length === 0) return [];
  const rows = await sql<(EventRow & { event_no: string })[]>`
    SELECT e.event_no::text, e.id, s.source, c.id AS customer, e.parent, e.hardware, epoch_micros(e.occurred_at)::text AS micros,
      e.term_no, e.quantities->>'predict_seconds' AS predict_seconds, e.quantities->>'input_tokens' AS input_tokens,
      e.quantities->>'output_tokens' AS output_tokens, e.quantities->>'images' AS images,
      (SELECT jsonb_object_agg(q.name, q.quantity) FROM jsonb_each_text(e.quantities) AS q(name, quantity)
       JOIN meter x USING (name) WHERE x.built_in = 0) AS other
    FROM usage_events_at(${eventNos as string[]}::text[]::bigint[]) e JOIN usage_source s USING (source_no) JOIN customer c USING (customer_no)
    ORDER BY e.event_no DESC`;
  const predictions = await withFacts(rows, new PredictionFacts(sql, payee));
  return predictions.map((one, n) => ({ ...one, eventNo: rows[n]?.event_no ?? "" }));
}
