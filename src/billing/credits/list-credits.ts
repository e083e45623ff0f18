import { money } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { Credit, CreditKind } from "./credit.ts";

/** A customer's grants in the order in which they are used, or one of them. */
export async function listCredits(
  sql: Sql,
  customer: string,
  { id, limit, after }: { id?: string; limit: number; after?: string },
): Promise<Credit[]> {
  const rows = await sql<StoredCredit[]>`
    SELECT id, customer, currency, kind, amount_nanos, used_nanos, expired_nanos, revoked_nanos, left_nanos, priority, expires_at, reason,
      reference, granted_at
    FROM credit_standing s
    WHERE customer = ${customer} AND (${id ?? null}::text IS NULL OR id = ${id ?? null})
      AND (${after ?? null}::text IS NULL
        OR (currency, place) > (SELECT currency, place FROM credit_standing WHERE customer = ${customer} AND id = ${after ?? null}))
    ORDER BY currency, place LIMIT ${limit}`;
  return rows.map(fromStored);
}

interface StoredCredit {
  id: string;
  customer: string;
  currency: string;
  kind: CreditKind;
  amount_nanos: string;
  used_nanos: string;
  expired_nanos: string;
  revoked_nanos: string;
  left_nanos: string;
  priority: number;
  expires_at: Date | null;
  reason: string;
  reference: string | null;
  granted_at: Date;
}

function fromStored(row: StoredCredit): Credit {
  const { amount_nanos, used_nanos, expired_nanos, revoked_nanos, left_nanos, ...found } = row;
  const { expires_at, granted_at, ...rest } = found;
  const amountOf = (nanos: string) => money(row.currency, BigInt(nanos));
  return {
    ...rest,
    amount: amountOf(amount_nanos),
    used: amountOf(used_nanos),
    expired: amountOf(expired_nanos),
    revoked: amountOf(revoked_nanos),
    left: amountOf(left_nanos),
    expires_at: expires_at?.toISOString() ?? null,
    granted_at: granted_at.toISOString(),
  };
}
