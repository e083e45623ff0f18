import { type CatalogDocument, type CatalogStore, openCatalogStore } from "../../src/catalog/index.ts";
import { applyBatch } from "../../src/metering/apply-batch.ts";
import type { LogRecord } from "../../src/usage/index.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { SMALL_CATALOG } from "./usage.ts";

export const LOG_ID = "log-under-test";

export interface Claim {
  epoch: string;
  nextOffset: bigint;
}

/** Metering without a log around it: batches are handed to the database by hand, partition by partition. */
export interface TestMetering {
  url: string;
  sql: TestDatabase["sql"];
  catalog: CatalogStore;
  claim(partition: number): Promise<Claim>;
  /** One batch of one record for each value, at the partition's cursor. */
  apply(partition: number, values: readonly unknown[], appendedAt?: Date): Promise<void>;
  applyAt(partition: number, claim: Claim, values: readonly unknown[]): Promise<void>;
  counters(): Promise<Record<string, number>>;
  /** Charged quantity by model and meter. */
  quantities(): Promise<Record<string, string>>;
  deadLetters(): Promise<{ reason: string; raw: Buffer }[]>;
  /** Everything metering writes, as text, to see that nothing changed. */
  everything(): Promise<string>;
  drop(): Promise<void>;
}

export async function startTestMetering(document: unknown = SMALL_CATALOG): Promise<TestMetering> {
  const { url, sql, drop } = await createTestDatabase();
  const catalog = openCatalogStore(sql);
  await catalog.change(document as Partial<CatalogDocument>);

  async function claim(partition: number): Promise<Claim> {
    const [row] = await sql<[{ epoch: string; next_offset: string }]>`
      SELECT epoch, next_offset FROM claim_partition(${LOG_ID}, ${partition})`;
    return { epoch: row.epoch, nextOffset: BigInt(row.next_offset) };
  }

  async function applyRecords(partition: number, held: Claim, records: LogRecord[]): Promise<void> {
    const to = held.nextOffset + BigInt(records.length);
    await applyBatch(sql, { logId: LOG_ID, partition, ...held, to }, records);
  }

  return {
    url,
    sql,
    catalog,
    claim,
    async apply(partition, values, appendedAt) {
      const held = await claim(partition);
      await applyRecords(partition, held, recordsOf(values, held.nextOffset, appendedAt));
    },
    applyAt: (partition, held, values) => applyRecords(partition, held, recordsOf(values, held.nextOffset)),
    async counters() {
      const [row] = await sql<[Record<string, number>]>`
        SELECT coalesce(sum(consumed), 0)::int AS consumed, coalesce(sum(applied), 0)::int AS applied,
          coalesce(sum(duplicate), 0)::int AS duplicate, coalesce(sum(conflict), 0)::int AS conflict,
          coalesce(sum(parked), 0)::int AS parked, coalesce(sum(dead), 0)::int AS dead FROM metering_cursor`;
      return row;
    },
    async quantities() {
      const rows = await sql<{ key: string; quantity: string }[]>`
        SELECT m.id || ' ' || t.name AS key, sum(w.quantity)::text AS quantity
        FROM usage_window w JOIN model m USING (model_no) JOIN meter t USING (meter_no) GROUP BY 1`;
      return Object.fromEntries(rows.map((row) => [row.key, row.quantity]));
    },
    deadLetters: () => sql`SELECT reason, raw FROM dead_letter ORDER BY partition, log_offset, log_index`,
    async everything() {
      const [row] = await sql<[{ all: string }]>`
        SELECT jsonb_build_object(
          'cursor', (SELECT jsonb_agg(to_jsonb(x) - 'updated_at' ORDER BY partition) FROM metering_cursor x),
          'identity', (SELECT jsonb_agg(x ORDER BY identity) FROM usage_identity x),
          'event', (SELECT jsonb_agg(x ORDER BY event_no) FROM usage_event x),
          'parked', (SELECT jsonb_agg(x ORDER BY parked_no) FROM parked_event x),
          'dead', (SELECT jsonb_agg(x ORDER BY dead_letter_no) FROM dead_letter x),
          'window', (SELECT jsonb_agg(x ORDER BY x::text) FROM usage_window x),
          'block', (SELECT jsonb_agg(to_jsonb(x) - 'booked_at' ORDER BY block_no) FROM usage_block x),
          'uncharged', (SELECT jsonb_agg(x ORDER BY x::text) FROM uncharged_window x),
          'extent', (SELECT jsonb_agg(x ORDER BY x::text) FROM metered_extents x))::text AS all`;
      return row.all;
    },
    drop,
  };
}

/** Bytes stay as they are, text becomes its bytes, anything else JSON. */
export function recordsOf(values: readonly unknown[], from: bigint, appendedAt = new Date()): LogRecord[] {
  return values.map((value, index) => ({ offset: from + BigInt(index), value: bytesOf(value), appendedAt }));
}

function bytesOf(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
}
