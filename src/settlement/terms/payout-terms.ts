import type { Sql } from "../../postgres/index.ts";
import { requirePayee } from "../brakes.ts";
import type { Schedule } from "../plan/obstacles.ts";
import { EVERYBODY } from "./reserves.ts";

/** How a payee is paid: from the next plan on, and null where the marketplace's terms hold. */
export interface PayoutTerms {
  schedule: Schedule | null;
  holdDays: number | null;
  /** Null: each currency as it was earned. */
  payoutCurrency: string | null;
}

/** What holds for a payee, its own or the marketplace's. */
export interface EffectiveTerms {
  schedule: Schedule;
  holdDays: number;
  payoutCurrency: string | null;
}

/** Without a payee, the marketplace's. */
export async function payoutTerms(sql: Sql, payee: string | null): Promise<EffectiveTerms> {
  const [terms] = await sql<[EffectiveTerms]>`
    SELECT schedule, hold_days AS "holdDays", payout_currency AS "payoutCurrency" FROM payout_terms_of(${payee ?? EVERYBODY})`;
  return terms;
}

/** Changes the terms that are named. Without a payee, the marketplace's. @throws Refusal not_found */
export async function setPayoutTerms(
  sql: Sql,
  payee: string | null,
  change: Partial<PayoutTerms>,
  by: string,
): Promise<void> {
  if (payee !== null) await requirePayee(sql, payee);
  const { schedule, holdDays, payoutCurrency } = change;
  await sql`
    INSERT INTO payout_terms AS t (payee, schedule, hold_days, payout_currency, set_by)
    VALUES (${payee ?? EVERYBODY}, ${schedule ?? null}, ${holdDays ?? null}, ${payoutCurrency ?? null}, ${by})
    ON CONFLICT (payee) DO UPDATE SET set_by = excluded.set_by, set_at = clock_timestamp(),
      schedule = CASE WHEN ${schedule !== undefined} THEN excluded.schedule ELSE t.schedule END,
      hold_days = CASE WHEN ${holdDays !== undefined} THEN excluded.hold_days ELSE t.hold_days END,
      payout_currency = CASE WHEN ${payoutCurrency !== undefined} THEN excluded.payout_currency ELSE t.payout_currency END`;
}
