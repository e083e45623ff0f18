import { firstDay, money, type Period } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { StatementConversion } from "../statement.ts";

/** The conversions that were booked in a period, by payee and currency: each stands on the statements of both its currencies. */
export async function conversionsBooked(
  sql: Sql,
  period: Period,
): Promise<Map<string, StatementConversion[]>> {
  const rows = await sql<
    Record<"id" | "payee" | "from" | "gave" | "to" | "got" | "rate" | "source", string>[]
  >`
    SELECT c.id, c.payee, c.from_currency AS "from", c.from_nanos::text AS gave, c.to_currency AS "to", c.to_nanos::text AS got,
      trim_scale(r.rate)::text AS rate, r.source
    FROM journal_entry e JOIN conversion c ON c.id = e.detail->>'conversion' JOIN fx_rate r USING (rate_no)
    WHERE e.period = ${firstDay(period)} AND e.kind = 'conversion' AND e.currency = c.from_currency ORDER BY c.id`;
  const booked = new Map<string, StatementConversion[]>();
  for (const { id, payee, from, gave, to, got, rate, source } of rows) {
    const said = { id, from: money(from, BigInt(gave)), to: money(to, BigInt(got)), rate, source };
    for (const currency of [from, to]) {
      const key = `${payee} ${currency}`;
      booked.set(key, [...(booked.get(key) ?? []), said]);
    }
  }
  return booked;
}
