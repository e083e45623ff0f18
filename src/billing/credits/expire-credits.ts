import type { Sql } from "../../postgres/index.ts";
import { countSpend } from "../spend/count-spend.ts";

const GRANTS_PER_CALL = 100;

/**
 * Books what is left of grants whose time is over at `at`, but for what usage of before needs that is not invoiced yet:
 * everything metered is counted first. Safe to repeat, and beside itself. Answers how many grants ended.
 */
export async function expireCredits(sql: Sql, at: Date = new Date()): Promise<number> {
  const due = await sql`
    SELECT FROM credit_grant g WHERE g.expires_at <= ${at}
      AND NOT EXISTS (SELECT FROM credit_expiry e WHERE e.grant_id = g.id) LIMIT 1`;
  if (due.length === 0) return 0;
  await countSpend(sql);
  for (let ended = 0; ; ) {
    const [row] = await sql<[{ ended: number }]>`SELECT expire_credits(${at}, ${GRANTS_PER_CALL}) AS ended`;
    ended += row.ended;
    if (row.ended < GRANTS_PER_CALL) return ended;
  }
}
