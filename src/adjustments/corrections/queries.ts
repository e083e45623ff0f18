import { type Money, money } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";

export interface CorrectionView {
  id: string;
  kind: string;
  state: "booked" | "needs_approval" | "withdrawn";
  /** What it moves in all. */
  amount: Money;
  /** Above it somebody else than its author approves; null for no limit. */
  limit: Money | null;
  asked: Record<string, unknown>;
  reason: string;
  proposed_by: string;
  proposed_at: string;
  approved_by: string | null;
  withdrawn_by: string | null;
  withdrawn_at: string | null;
  withdrawn_reason: string | null;
  /** Where its parts are, once booked. */
  adjustment: string | null;
}

/** The newest first. */
export async function listCorrections(
  sql: Sql,
  { id, before, limit }: { id?: string | undefined; before?: string | undefined; limit: number },
): Promise<CorrectionView[]> {
  const rows = await sql<
    (Omit<CorrectionView, "amount" | "limit" | "state" | "proposed_at" | "withdrawn_at"> & {
      currency: string;
      nanos: string;
      most: string | null;
      proposed_at: Date;
      withdrawn_at: Date | null;
    })[]
  >`
    SELECT c.id, c.kind, c.currency, c.amount_nanos::text AS nanos, c.limit_nanos::text AS most, c.asked, c.reason, c.proposed_by,
      c.proposed_at, c.approved_by, c.withdrawn_by, c.withdrawn_at, c.withdrawn_reason, a.id AS adjustment
    FROM correction c LEFT JOIN adjustment a USING (adjustment_no)
    WHERE (${id ?? null}::text IS NULL OR c.id = ${id ?? null})
      AND (${before ?? null}::text IS NULL
        OR (c.proposed_at, c.id) < (SELECT b.proposed_at, b.id FROM correction b WHERE b.id = ${before ?? null}))
    ORDER BY c.proposed_at DESC, c.id DESC LIMIT ${limit}`;
  return rows.map(({ currency, nanos, most, proposed_at, withdrawn_at, ...row }) => ({
    ...row,
    state: row.adjustment !== null ? "booked" : withdrawn_at === null ? "needs_approval" : "withdrawn",
    withdrawn_at: withdrawn_at?.toISOString() ?? null,
    amount: money(currency, BigInt(nanos)),
    limit: most === null ? null : money(currency, BigInt(most)),
    proposed_at: proposed_at.toISOString(),
  }));
}
