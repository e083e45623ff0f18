import type { Sql } from "../../postgres/index.ts";
import type { RefundMaker, RefundMeans } from "./refund-maker.ts";
import { type SentRefund, sendRefund } from "./send-refund.ts";

/** What was refused or left in doubt is not asked about again before. */
const REST_SECONDS = 60;
const AT_MOST = 100;

export interface SentRefunds {
  results: Record<SentRefund, number>;
  problems: { refund: string; means: RefundMeans; result: SentRefund; detail: string }[];
}

/**
 * Makes at the provider what waits for it, one after the other, and goes on with what was under way. Safe to repeat, and
 * beside itself: two ask under the same key.
 */
export async function sendDueRefunds(
  sql: Sql,
  maker: RefundMaker,
  { restSeconds = REST_SECONDS }: { restSeconds?: number } = {},
): Promise<SentRefunds> {
  const report: SentRefunds = { results: { made: 0, failed: 0, unknown: 0, stop: 0, none: 0 }, problems: [] };
  const due = await sql<{ no: string; refund: string; means: RefundMeans }[]>`
    SELECT p.adjustment_no::text AS no, a.id AS refund, p.means
    FROM refund_push p JOIN adjustment a USING (adjustment_no) JOIN invoice_push i ON i.invoice_id = a.invoice_id
    WHERE p.state IN ('waiting', 'sending', 'unknown') AND i.provider_id IS NOT NULL
      AND (p.attempt = 0 OR p.updated_at <= clock_timestamp() - make_interval(secs => ${restSeconds}))
    ORDER BY p.adjustment_no, p.means LIMIT ${AT_MOST}`;
  for (const { no, refund, means } of due) {
    const { result, detail } = await sendRefund(sql, maker, { adjustmentNo: no, means });
    report.results[result]++;
    if (detail !== undefined) report.problems.push({ refund, means, result, detail });
    if (result === "stop") break;
  }
  return report;
}
