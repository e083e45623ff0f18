import { firstDay, type Period, periodOfDay } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { SettlementPlan } from "./plan/plan-settlement.ts";

export interface SettlementRow {
  period: Period;
  state: string;
  /** Approved, and each of its payouts is paid, or carried on to the next plan. */
  isPaid: boolean;
  cutAt: Date;
  closedAt: Date | null;
  plan: SettlementPlan | null;
  planHash: string | null;
  plannedBy: string | null;
  approvedBy: string | null;
  /** The last plan that was withdrawn, while there is no other. */
  withdrawn: { by: string; at: string; reason: string; hash: string } | null;
}

/** Newest first, without their plans, which are long; `before` is the period of the last one already seen. */
export async function listSettlements(
  sql: Sql,
  limit: number,
  before?: Period,
): Promise<Omit<SettlementRow, "plan">[]> {
  const rows = await sql<StoredSettlement[]>`
    SELECT ${sql.unsafe(COLUMNS)} FROM settlement
    WHERE period < ${before === undefined ? "infinity" : firstDay(before)} ORDER BY period DESC LIMIT ${limit}`;
  return rows.map((row) => ({ ...row, period: periodOfDay(row.period) }));
}

export async function findSettlement(sql: Sql, period: Period): Promise<SettlementRow | undefined> {
  const rows = await sql<(StoredSettlement & Pick<SettlementRow, "plan">)[]>`
    SELECT ${sql.unsafe(COLUMNS)}, plan FROM settlement WHERE period = ${firstDay(period)}`;
  return rows.map((row) => ({ ...row, period: periodOfDay(row.period) }))[0];
}

const COLUMNS = `period::text, state, state = 'approved' AND NOT EXISTS (
    SELECT FROM payout p WHERE p.period = settlement.period AND p.state NOT IN ('paid', 'carried')) AS "isPaid", cut_at AS "cutAt", closed_at AS "closedAt", plan_hash AS "planHash",
  planned_by AS "plannedBy", approved_by AS "approvedBy", CASE WHEN plan_hash IS NULL THEN (
    SELECT jsonb_build_object('by', w.withdrawn_by, 'at', to_char(w.withdrawn_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'reason', w.reason, 'hash', w.plan_hash)
    FROM plan_withdrawal w WHERE w.period = settlement.period ORDER BY w.withdrawal_no DESC LIMIT 1) END AS withdrawn`;

type StoredSettlement = Omit<SettlementRow, "period" | "plan"> & { period: string };
