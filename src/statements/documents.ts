import { firstDay, type Money, money, type Period, periodOfDay, present } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { Statement } from "../settlement/index.ts";
import { Kept } from "./paper/kept.ts";

/** A statement as JSON, just as it is stored, with its hash: whoever is given it can verify it. */
export interface StoredStatement {
  period: Period;
  currency: string;
  hash: string;
  /** UTF-8. */
  json: Buffer;
}

export interface StatementFilter {
  period?: Period | undefined;
  /** A calendar year's books. */
  year?: string | undefined;
  currency?: string | undefined;
  /** "2023-11 USD" of the last one already seen. */
  before?: string | undefined;
  /** none: without its lines and conversions. */
  lines?: "all" | "none";
  limit?: number;
}

/** Of all statements of this process together. */
const BYTES_MAX = 32 * 1024 * 1024;

/** Whole ones by their hash, as bytes that are sent: a statement never changes, and with lines of hundreds of models it is long. */
const whole = new Kept<Buffer>(BYTES_MAX);

/** A payee's statements, newest first. They are not taken apart here: of a year's lines that was most of what they cost. */
export async function storedStatements(
  sql: Sql,
  payee: string,
  { period, year, currency, before, lines = "all", limit }: StatementFilter,
): Promise<StoredStatement[]> {
  const [first, last] = rangeOf(period, year);
  const [seen, seenCurrency] =
    before === undefined ? ["infinity", ""] : [`${before.slice(0, 7)}-01`, before.slice(8)];
  const content = lines === "all" ? sql`NULL` : sql`(content - '{lines,conversions}'::text[])::text`;
  const rows = await sql<{ period: string; currency: string; content: string | null; hash: string }[]>`
    SELECT period::text, currency, ${content} AS content, hash FROM statement
    WHERE payee = ${payee} AND period BETWEEN ${first} AND ${last}
      AND (period < ${seen} OR (period = ${seen} AND currency > ${seenCurrency}))
      ${currency === undefined ? sql`` : sql`AND currency = ${currency}`}
    ORDER BY period DESC, currency LIMIT ${limit ?? null}`;
  const known = lines === "all" ? await wholeOnes(sql, payee, rows) : new Map<string, Buffer>();
  return rows.map(({ period, currency, hash, content }) => ({
    period: periodOfDay(period),
    currency,
    hash,
    json: content === null ? present(known.get(hash), "a statement's content") : withHash(content, hash),
  }));
}

/** Here and not in the database, which would build each document anew for it. */
function withHash(content: string, hash: string): Buffer {
  return Buffer.from(`${content.slice(0, -1)}, "hash": ${JSON.stringify(hash)}}`);
}

/** By their hashes. Only what is not known yet is read. */
async function wholeOnes(
  sql: Sql,
  payee: string,
  statements: readonly { hash: string }[],
): Promise<ReadonlyMap<string, Buffer | undefined>> {
  const known = new Map(statements.map(({ hash }) => [hash, whole.get(hash)]));
  const missing = [...known].filter(([, json]) => json === undefined).map(([hash]) => hash);
  if (missing.length > 0) {
    const rows = await sql<{ hash: string; content: string }[]>`
      SELECT hash, content::text FROM statement WHERE payee = ${payee} AND hash = ANY (${missing}::text[])`;
    for (const { hash, content } of rows) {
      const json = withHash(content, hash);
      known.set(hash, json);
      whole.keep(hash, json);
    }
  }
  return known;
}

function rangeOf(period: Period | undefined, year: string | undefined): [string, string] {
  if (period !== undefined) return [firstDay(period), firstDay(period)];
  return year === undefined ? ["-infinity", "infinity"] : [`${year}-01-01`, `${year}-12-01`];
}

/** The statements of one period: one a currency, or the one asked for. */
export async function findStatements(
  sql: Sql,
  payee: string,
  period: Period,
  currency?: string,
): Promise<Statement[]> {
  return (await storedStatements(sql, payee, { period, currency })).map(toStatement);
}

export function toStatement({ json }: StoredStatement): Statement {
  return JSON.parse(json.toString()) as Statement;
}

export interface PayoutView {
  id: string;
  period: Period;
  payee: string;
  /** What was approved. */
  approved: Money;
  /** What is paid: less where less was payable when it was sent. */
  amount: Money;
  state: string;
  /** Why it is not paid, or what it waits for. */
  reason: string | null;
  account: string;
  transfer_id: string | null;
  attempts: { attempt: number; started_at: string; outcome: string | null; detail: string | null }[];
  created_at: string;
  updated_at: string;
}

export interface PayoutFilter {
  id?: string;
  payee?: string;
  period?: Period;
  /** Only those that are less than what was approved, or carried on. */
  shortened?: boolean;
  /** The id of the last one already seen. */
  before?: string;
  limit?: number;
}

/** What refunds, disputes and corrections took of a period's payouts since they were approved. */
export function shortenedPayouts(sql: Sql, period: Period): Promise<PayoutView[]> {
  return listPayouts(sql, { period, shortened: true });
}

/** Newest period first. */
export async function listPayouts(
  sql: Sql,
  { id, payee, period, shortened = false, before, limit }: PayoutFilter,
): Promise<PayoutView[]> {
  const rows = await sql<StoredPayout[]>`
    SELECT p.id, p.period::text, p.payee, p.currency, p.planned_nanos::text AS approved, p.amount_nanos::text AS amount, p.state, p.reason, p.account,
      p.transfer_id, p.created_at, p.updated_at,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('attempt', a.attempt, 'started_at',
         to_char(a.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'outcome', a.outcome,
         'detail', a.detail) ORDER BY a.attempt), '[]') FROM payout_attempt a WHERE a.payout_id = p.id) AS attempts
    FROM payout p
    WHERE (${id ?? null}::text IS NULL OR p.id = ${id ?? null})
      AND (${payee ?? null}::text IS NULL OR p.payee = ${payee ?? null})
      AND (${period === undefined ? null : firstDay(period)}::date IS NULL OR p.period = ${period === undefined ? null : firstDay(period)})
      AND (NOT ${shortened}::boolean OR p.state = 'carried' OR p.amount_nanos < p.planned_nanos)
      AND (${before ?? null}::text IS NULL OR p.id < ${before ?? null})
    ORDER BY p.id DESC LIMIT ${limit ?? null}`;
  return rows.map(({ approved, amount, currency, created_at, updated_at, ...row }) => ({
    ...row,
    period: periodOfDay(row.period),
    approved: money(currency, BigInt(approved)),
    amount: money(currency, BigInt(amount)),
    created_at: created_at.toISOString(),
    updated_at: updated_at.toISOString(),
  }));
}

interface StoredPayout
  extends Omit<PayoutView, "approved" | "amount" | "period" | "created_at" | "updated_at"> {
  period: string;
  currency: string;
  approved: string;
  amount: string;
  created_at: Date;
  updated_at: Date;
}
