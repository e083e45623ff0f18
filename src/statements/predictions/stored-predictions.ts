import {
  floorToNanos,
  type Instant,
  multiply,
  type Nanos,
  rational,
  roundToNanos,
  sum,
} from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { blocksWithin, type EventBlock, type PredictionRange, type RangeSize } from "./event-blocks.ts";
import { type MeterPrice, PredictionFacts, type TermFacts } from "./term-facts.ts";

/** So many events are read at once, if a block has no more: some megabytes. */
const EVENTS_A_READ = 10_000;

/** One metered prediction. Quantities are as reported, at their meter's scale; null where it is unmetered. */
export interface StoredPrediction {
  id: string;
  source: string;
  customer: string;
  parent: string | null;
  /** What it ran on; null where it is not told. */
  hardware: string | null;
  occurredAt: Instant;
  term: TermFacts;
  predictMicros: bigint | null;
  inputTokens: bigint | null;
  outputTokens: bigint | null;
  images: bigint | null;
  /** Meters that are not built in. */
  other: Record<string, string>;
  /** What its customer owes for it, rounded half-even; 0 when it is not charged. */
  grossNanos: Nanos;
  /** What the payee who asks earns of it; null when no payee asks. */
  earnedNanos: Nanos | null;
  /** The payee who asks made the model that ran, or has a share in it. */
  creator: boolean;
}

/**
 * Those of a range in the order in which they were metered, some thousand at a time. Only what was there when its size was
 * measured: metering goes on meanwhile. Those that wait for the catalogue are not among them.
 */
export async function* storedPredictions(
  sql: Sql,
  range: PredictionRange,
  { blocks }: RangeSize,
): AsyncGenerator<StoredPrediction[]> {
  if (blocks === null) return;
  const facts = new PredictionFacts(sql, range.payee);
  let together: EventBlock[] = [];
  let events = 0;
  for await (const block of blocksWithin(sql, range, blocks)) {
    if (together.length > 0 && events + block.events > EVENTS_A_READ) {
      yield await readEvents(sql, range, together, facts);
      together = [];
      events = 0;
    }
    together.push(block);
    events += block.events;
  }
  if (together.length > 0) yield await readEvents(sql, range, together, facts);
}

export interface EventRow {
  id: string;
  source: string;
  customer: string;
  parent: string | null;
  hardware: string | null;
  micros: string;
  term_no: number;
  predict_seconds: string | null;
  input_tokens: string | null;
  output_tokens: string | null;
  images: string | null;
  other: Record<string, string> | null;
}

async function readEvents(
  sql: Sql,
  { from, to, customer }: PredictionRange,
  blocks: readonly EventBlock[],
  facts: PredictionFacts,
): Promise<StoredPrediction[]> {
  const termNos = [...new Set(blocks.flatMap((block) => block.termNos))];
  const blockNos = blocks.map(({ blockNo }) => blockNo);
  const rows = await sql<EventRow[]>`
    WITH block AS MATERIALIZED (SELECT * FROM usage_block WHERE block_no = ANY (${blockNos}::text[]::bigint[])),
    other AS MATERIALIZED (
      SELECT b.block_no, o.place, jsonb_object_agg(o.meter, o.quantity::text) AS quantities FROM block b
      CROSS JOIN LATERAL other_meters_of_block(b.events, b.group_term_no, b.group_customer_no, b.group_first) o GROUP BY 1, 2
    )
    SELECT e.id, s.source, c.id AS customer, e.parent, e.hardware, e.occurred_at::text AS micros, e.term_no, e.predict_seconds::text,
      e.input_tokens::text, e.output_tokens::text, e.images::text, other.quantities AS other
    FROM block b CROSS JOIN LATERAL events_of_block(b.events, b.group_term_no, b.group_customer_no, b.source_nos, b.hardware, b.group_hardware) e
    JOIN usage_source s USING (source_no) JOIN customer c USING (customer_no) LEFT JOIN other USING (block_no, place)
    WHERE e.term_no = ANY (${termNos}::int[]) AND e.occurred_at >= ${from.toString()} AND e.occurred_at < ${to.toString()}
      AND (${customer}::text IS NULL OR c.id = ${customer})
    ORDER BY b.block_no, e.place`;
  return withFacts(rows, facts);
}

/** With what was decided for each, and what it costs and earns, in their order. */
export async function withFacts(
  rows: readonly EventRow[],
  facts: PredictionFacts,
): Promise<StoredPrediction[]> {
  await facts.learnTerms(rows.map(({ term_no }) => term_no));
  const months = new Map(rows.map((row) => [`${row.term_no} ${monthOf(row)}`, row]));
  await facts.learnLines(
    [...months.values()]
      .filter(({ term_no }) => facts.term(term_no).charged)
      .map((row) => ({ termNo: row.term_no, month: monthOf(row) })),
  );
  return rows.map((row) => predictionOf(row, facts));
}

/** The first day of the month in which it was made. */
function monthOf({ micros }: EventRow): string {
  return `${new Date(Number(micros) / 1000).toISOString().slice(0, 7)}-01`;
}

function predictionOf(row: EventRow, facts: PredictionFacts): StoredPrediction {
  const term = facts.term(row.term_no);
  const line = facts.parts({ termNo: row.term_no, month: monthOf(row) });
  const gross = term.charged ? sum(term.prices.map((price) => owedFor(price, row))) : rational(0n);
  return {
    id: row.id,
    source: row.source,
    customer: row.customer,
    parent: row.parent,
    hardware: row.hardware,
    occurredAt: BigInt(row.micros),
    term,
    predictMicros: asCount(row.predict_seconds),
    inputTokens: asCount(row.input_tokens),
    outputTokens: asCount(row.output_tokens),
    images: asCount(row.images),
    other: row.other ?? {},
    grossNanos: roundToNanos(gross),
    earnedNanos: facts.forPayee
      ? line.ofGross.reduce((earned, part) => earned + floorToNanos(multiply(part, gross)), 0n)
      : null,
    creator: line.creator || facts.owns(row.term_no),
  };
}

function owedFor({ meter, unit, maxPerEvent }: MeterPrice, row: EventRow) {
  const quantity = quantityOf(meter, row);
  const counted = maxPerEvent !== null && quantity > maxPerEvent ? maxPerEvent : quantity;
  return { num: unit.num * counted, den: unit.den };
}

function quantityOf(meter: string, row: EventRow): bigint {
  if (meter === "runs") return 1n;
  const builtIn = ["predict_seconds", "input_tokens", "output_tokens", "images"] as const;
  const own = builtIn.find((name) => name === meter);
  return BigInt((own === undefined ? row.other?.[meter] : row[own]) ?? 0);
}

function asCount(text: string | null): bigint | null {
  return text === null ? null : BigInt(text);
}
