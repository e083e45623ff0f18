import type { Sql } from "../../../src/postgres/index.ts";
import type { UsageTotals } from "../load/events.ts";

/** What is not as the generator knows it must be; empty when every event was counted once, with every quantity. */
export async function differencesFrom(sql: Sql, totals: UsageTotals): Promise<string[]> {
  const [counters] = await sql<[{ consumed: string; applied: string }]>`
    SELECT sum(consumed)::text AS consumed, sum(applied)::text AS applied FROM metering_cursor`;
  const meters = await sql<{ name: string; quantity: string }[]>`
    SELECT m.name, sum(w.quantity)::text AS quantity FROM usage_window w JOIN meter m USING (meter_no) GROUP BY 1`;
  const [uncharged] = await sql<[{ events: string }]>`
    SELECT coalesce(sum(events), 0)::text AS events FROM uncharged_window`;
  const found: Record<string, string | undefined> = {
    ...counters,
    ...Object.fromEntries(meters.map(({ name, quantity }) => [name, quantity])),
    uncharged: uncharged.events,
  };
  const expected: Record<string, number> = {
    consumed: totals.events,
    applied: totals.events,
    runs: totals.charged,
    predict_seconds: totals.predictMicros,
    input_tokens: totals.inputTokens,
    output_tokens: totals.outputTokens,
    uncharged: totals.events - totals.charged,
  };
  return Object.entries(expected)
    .filter(([name, figure]) => found[name] !== String(figure))
    .map(([name, figure]) => `${name} is ${found[name] ?? "missing"}, not ${figure}`);
}
