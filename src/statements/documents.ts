import { firstDay, type Money, money, type Period, periodOfDay } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { Statement } from "../settlement/index.ts";

/** A statement as it stands in a list: with what it is made of only where that is wanted. */
export type ListedStatement = Omit<Statement, "lines" | "conversions"> &
  Partial<Pick<Statement, "lines" | "conversions">>;

/** Newest first; `before` is "2023-11 USD" of the last one already seen. */
export async function statementsOf(
  sql: Sql,
  payee: string,
  { limit, before, lines }: { limit: number; before?: string | undefined; lines: "all" | "none" },
): Promise<ListedStatement[]> {
  const [period, currency] =
    before === undefined ? ["infinity", ""] : [`${before.slice(0, 7)}-01`, before.slice(8)];
  const content = lines === "all" ? sql`content` : sql`content - '{lines,conversions}'::text[] AS content`;
  const rows = await sql<{ content: Omit<ListedStatement, "hash">; hash: string }[]>`
    SELECT ${content}, hash FROM statement
    WHERE payee = ${payee} AND (period < ${period} OR (period = ${period} AND currency > ${currency}))
    ORDER BY period DESC, currency LIMIT ${limit}`;
  return rows.map(({ content, hash }) => ({ ...content, hash }));
}

/** All of a calendar year's books, the oldest first. */
export async function statementsOfYear(sql: Sql, payee: string, year: string): Promise<Statement[]> {
  const rows = await sql<{ content: Omit<Statement, "hash">; hash: string }[]>`
    SELECT content, hash FROM statement
    WHERE payee = ${payee} AND period >= ${`${year}-01-01`} AND period <= ${`${year}-12-01`} ORDER BY period, currency`;
  return rows.map(({ content, hash }) => ({ ...content, hash }));
}

/** The statements of one period: one a currency, or the one asked for. */
export async function findStatements(
  sql: Sql,
  payee: string,
  period: Period,
  currency?: string,
): Promise<Statement[]> {
  const rows = await sql<{ content: Omit<Statement, "hash">; hash: string }[]>`
    SELECT content, hash FROM statement
    WHERE payee = ${payee} AND period = ${firstDay(period)}
      AND (${currency ?? null}::text IS NULL OR currency = ${currency ?? null}) ORDER BY currency`;
  return rows.map(({ content, hash }) => ({ ...content, hash }));
}

export interface PayoutView {
  id: string;
  period: Period;
  payee: string;
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
  /** The id of the last one already seen. */
  before?: string;
  limit: number;
}

/** Newest period first. */
export async function listPayouts(
  sql: Sql,
  { id, payee, period, before, limit }: PayoutFilter,
): Promise<PayoutView[]> {
  const rows = await sql<StoredPayout[]>`
    SELECT p.id, p.period::text, p.payee, p.currency, p.amount_nanos::text AS amount, p.state, p.reason, p.account,
      p.transfer_id, p.created_at, p.updated_at,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('attempt', a.attempt, 'started_at',
         to_char(a.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'outcome', a.outcome,
         'detail', a.detail) ORDER BY a.attempt), '[]') FROM payout_attempt a WHERE a.payout_id = p.id) AS attempts
    FROM payout p
    WHERE (${id ?? null}::text IS NULL OR p.id = ${id ?? null})
      AND (${payee ?? null}::text IS NULL OR p.payee = ${payee ?? null})
      AND (${period === undefined ? null : firstDay(period)}::date IS NULL OR p.period = ${period === undefined ? null : firstDay(period)})
      AND (${before ?? null}::text IS NULL OR p.id < ${before ?? null})
    ORDER BY p.id DESC LIMIT ${limit}`;
  return rows.map(({ amount, currency, created_at, updated_at, ...row }) => ({
    ...row,
    period: periodOfDay(row.period),
    amount: money(currency, BigInt(amount)),
    created_at: created_at.toISOString(),
    updated_at: updated_at.toISOString(),
  }));
}

interface StoredPayout extends Omit<PayoutView, "amount" | "period" | "created_at" | "updated_at"> {
  period: string;
  currency: string;
  amount: string;
  created_at: Date;
  updated_at: Date;
}
