import { Refusal } from "../../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../../postgres/index.ts";
import type { DataKeys } from "../payloads/data-keys.ts";
import { rewriteTables } from "./sweep.ts";

const ROWS_A_STEP = 2_000;

export interface ErasureReport {
  customer: string;
  removed: { keys: number; payloads: number; feedback: number; shares: number };
  /** True when the shredded keys are off the disk; false while a transaction from before may still see them. */
  keys_off_disk: boolean;
  /** What stays, and why. */
  kept: { what: string; count: string; why: string }[];
}

const MONEY = "what was charged and earned follows from it, and the books must be provable";

/**
 * Shreds a customer's keys and deletes what they encrypted, with feedback and public links. Money facts stay. Safe to repeat,
 * also after a kill in the middle: the shredding comes first, and what is left cannot be read; asked again, or when its
 * day comes, it is deleted.
 * @throws Refusal legal_hold
 */
export async function eraseCustomer(
  sql: Sql,
  keys: DataKeys,
  { customer, by }: { customer: string; by: string },
): Promise<ErasureReport> {
  const removed = await shred(sql, customer, by);
  keys.forget();
  for (;;) {
    const [row] = await sql<
      [{ count: number }]
    >`SELECT delete_payloads(${customer}, ${ROWS_A_STEP}) AS count`;
    if (row.count < ROWS_A_STEP) break;
  }
  await rewriteTables(sql);
  const waiting = await sql`SELECT FROM payload_rewrite WHERE table_name = 'payload_key'`;
  return { customer, removed, keys_off_disk: waiting.length === 0, kept: await keptOf(sql, customer) };
}

async function shred(sql: Sql, customer: string, by: string): Promise<ErasureReport["removed"]> {
  try {
    const [row] = await sql<[{ removed: ErasureReport["removed"] }]>`
      SELECT shred_customer(${customer}, ${by}) AS removed`;
    return row.removed;
  } catch (error) {
    if (refusedByDatabase(error)?.code !== "legal_hold") throw error;
    throw new Refusal(
      "legal_hold",
      `${customer} is under a legal hold: end it first (PUT /v1/customers/${customer}/retention)`,
    );
  }
}

async function keptOf(sql: Sql, customer: string): Promise<ErasureReport["kept"]> {
  const [row] = await sql<[{ events: string; parked: string; invoices: string }]>`
    SELECT (SELECT coalesce(sum(w.events), 0)::text FROM customer_term_window w JOIN customer c USING (customer_no)
            WHERE c.id = ${customer}) AS events,
      (SELECT count(*)::text FROM parked_event WHERE event->>'u' = ${customer}) AS parked,
      (SELECT count(*)::text FROM invoice WHERE customer = ${customer}) AS invoices`;
  return [
    { what: "metered events: id, time, model, status, quantities", count: row.events, why: MONEY },
    {
      what: "parked events: the same",
      count: row.parked,
      why: "they are metered once their model or price is known",
    },
    { what: "invoices, payments and entries of the books", count: row.invoices, why: MONEY },
    {
      what: "the customer's id, name, country and currency",
      count: "1",
      why: "invoices and entries of the books are about them",
    },
    {
      what: "dead letters (GET /v1/dead-letters)",
      count: "unknown",
      why: "operators have to see what could not be read; they are kept without input, output, logs and error, and of what is no JSON and may hold them only size, hash and first characters",
    },
    {
      what: "the usage log",
      count: "unknown",
      why: "the books are proved from it; events that came over HTTP stand there without payloads, what a producer wrote into Kafka itself stands there as it wrote it, until the topic's retention lets it go",
    },
    {
      what: "backups of the database from before",
      count: "unknown",
      why: "they hold the wrapped keys until they are deleted; after one is restored the erasures noted since have to be asked for again",
    },
  ];
}
