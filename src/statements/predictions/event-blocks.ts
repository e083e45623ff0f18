import type { Instant } from "../../kernel/index.ts";
import { formatInstant } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";

/** Blocks whose groups are looked at in one statement. */
const BLOCKS_A_LOOK = 500;
const DAY_MICROS = 86_400_000_000n;

/** Which of the metered predictions. */
export interface PredictionRange {
  /** By when they were made, half-open. */
  from: Instant;
  to: Instant;
  model: string | null;
  customer: string | null;
  /** Only those that this payee earns of, or whose model is its own. */
  payee: string | null;
}

/** A block that has some of them. */
export interface EventBlock {
  blockNo: string;
  /** At most so many: those of whole days are counted. */
  events: number;
  /** What was decided for them: these terms, and no others of the block. */
  termNos: number[];
}

/** How many there are at most, and in which blocks. */
export interface RangeSize {
  events: number;
  /** Null when there is none. */
  blocks: { first: string; last: string } | null;
}

/** Without reading any event: groups of events know their day, customer and model. */
export async function sizeOf(sql: Sql, range: PredictionRange): Promise<RangeSize> {
  const [row] = await sql<[{ events: string; first: string | null; last: string | null }]>`
    SELECT coalesce(sum(g.events), 0)::text AS events, min(b.block_no)::text AS first, max(b.block_no)::text AS last
    FROM usage_block b ${groupsWithin(sql, range)}`;
  const { first, last } = row;
  return { events: Number(row.events), blocks: first === null || last === null ? null : { first, last } };
}

/** The blocks from `first` to `last` that have some, in their order, a page of them at a time. */
export async function* blocksWithin(
  sql: Sql,
  range: PredictionRange,
  { first, last }: { first: string; last: string },
): AsyncGenerator<EventBlock> {
  let next: string | null = first;
  while (next !== null) {
    const rows: { block_no: string; events: number; term_nos: number[] }[] = await sql`
      SELECT b.block_no::text, sum(g.events)::int AS events, array_agg(DISTINCT g.term_no) AS term_nos
      FROM (SELECT * FROM usage_block WHERE block_no >= ${next} AND block_no <= ${last} ORDER BY block_no LIMIT ${BLOCKS_A_LOOK}) b
      ${groupsWithin(sql, range)} GROUP BY b.block_no ORDER BY b.block_no`;
    for (const { block_no, events, term_nos } of rows) yield { blockNo: block_no, events, termNos: term_nos };
    [{ next }] = await sql<[{ next: string | null }]>`
      SELECT (SELECT block_no FROM usage_block WHERE block_no >= ${next} AND block_no <= ${last}
        ORDER BY block_no OFFSET ${BLOCKS_A_LOOK} LIMIT 1)::text AS next`;
  }
}

/**
 * The groups of blocks `b` that are meant. A group is of one day, and `first` the earliest moment of it. A block is booked after
 * its events were made, give or take a clock. A payee sees what it was paid of, and everything of the models that are its own now.
 */
function groupsWithin(sql: Sql, { from, to, model, customer, payee }: PredictionRange) {
  return sql`
    CROSS JOIN LATERAL unnest(b.group_term_no, b.group_customer_no, b.group_first, b.group_events)
      AS g(term_no, customer_no, first, events)
    JOIN usage_term t ON t.term_no = g.term_no JOIN model m USING (model_no) JOIN split_plan s USING (split_plan_no)
    JOIN customer c ON c.customer_no = g.customer_no
    WHERE b.booked_at >= ${formatInstant(from)}::text::timestamptz - interval '1 hour'
      AND g.first >= ${(from - modulo(from, DAY_MICROS)).toString()} AND g.first < ${to.toString()}
      AND (${model}::text IS NULL OR m.id = ${model}) AND (${customer}::text IS NULL OR c.id = ${customer})
      AND (${payee}::text IS NULL OR (t.charged = 1 AND ${payee} = ANY (s.payees)) OR ${payee} = (
        SELECT p.id FROM model_lineage l JOIN payee p USING (payee_no)
        WHERE l.model_no = t.model_no ORDER BY l.effective_from DESC LIMIT 1))`;
}

function modulo(value: bigint, by: bigint): bigint {
  return ((value % by) + by) % by;
}
