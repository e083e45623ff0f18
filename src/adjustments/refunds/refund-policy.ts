import { firstDay, type Period, periodOfDay, Refusal } from "../../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../../postgres/index.ts";

/** Who bears what when usage of a books period is refunded. */
export interface RefundPolicy {
  from: Period;
  /** returned: the platform gives its fee back; kept: those who earned of the usage bear it together. */
  fee: "returned" | "kept";
  /** Who bears what the provider charges for a refund or a dispute. */
  provider_fee: "platform" | "payees";
}

/** The latest first; before the first one, and without any, the fee is returned and the platform bears the provider's. */
export async function refundPolicies(sql: Sql): Promise<RefundPolicy[]> {
  const rows = await sql<(Omit<RefundPolicy, "from"> & { from: string })[]>`
    SELECT from_period::text AS from, fee, provider_fee FROM refund_policy ORDER BY from_period DESC`;
  return rows.map((row) => ({ ...row, from: periodOfDay(row.from) }));
}

/** Holds for books periods from `from` on, which must be open. @throws Refusal period_closed */
export async function setRefundPolicy(
  sql: Sql,
  { from, fee, provider_fee }: RefundPolicy,
  by: string,
): Promise<void> {
  try {
    await sql`SELECT set_refund_policy(${firstDay(from)}, ${fee}, ${provider_fee}, ${by})`;
  } catch (error) {
    const refused = refusedByDatabase(error);
    if (refused?.code !== "period_closed") throw error;
    throw new Refusal(
      "period_closed",
      `${from} is closed, and what was earned in it was earned under its policy: set one from ${refused.detail.open} on`,
    );
  }
}

/** Who bears the provider's fee for usage of a closed period. */
export async function bearerOf(sql: Sql, period: string): Promise<RefundPolicy["provider_fee"]> {
  const [row] = await sql<[{ bearer: RefundPolicy["provider_fee"] }]>`
    SELECT (refund_policy_of(${period})).provider_fee AS bearer`;
  return row.bearer;
}
