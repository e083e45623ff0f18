import type { SettleOperations } from "../../http/index.ts";
import { firstDay, type Period } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { findSettlement } from "../../settlement/index.ts";
import { auditedSettle, type Changed } from "./audited-settle.ts";

/** The monthly settlement for the schedule: noted as commands are, but not what is looked at again and changes nothing. */
export function auditedSchedule(settle: SettleOperations, sql: Sql, by: string): SettleOperations {
  const changed: Changed = async (period, work) => {
    const before = await whereItStands(sql, period);
    const result = await work();
    return { result, noted: before !== (await whereItStands(sql, period)) };
  };
  return auditedSettle(settle, sql, by, { from: "schedule", changed });
}

/** What close, plan, approve, pay and reconcile change of a month. */
async function whereItStands(sql: Sql, period: Period): Promise<string> {
  const settlement = await findSettlement(sql, period);
  const payouts = await sql`
    SELECT state, count(*)::int AS count FROM payout WHERE period = ${firstDay(period)} GROUP BY 1 ORDER BY 1`;
  const [runs] =
    await sql`SELECT count(*)::int AS count FROM reconciliation WHERE period = ${firstDay(period)}`;
  return JSON.stringify([settlement?.state, settlement?.planHash, payouts, runs]);
}
