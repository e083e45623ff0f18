import type { Nanos } from "../../kernel/index.ts";
import { Refusal } from "../../kernel/index.ts";
import { foldCustomerWindows } from "../../metering/index.ts";
import { refusedByDatabase, type Sql } from "../../postgres/index.ts";

export const LIMIT_PERIODS = ["month", "total"] as const;

export interface SpendLimits {
  currency: string;
  /** What they are about: what is used in a calendar month (UTC), or ever. */
  period: (typeof LIMIT_PERIODS)[number];
  /** Told when it is reached. */
  softNanos: Nanos | null;
  /** Told when it is reached, and nothing is authorized beyond it. */
  hardNanos: Nanos | null;
  /** Nothing is authorized that credits do not cover. */
  prepaid: boolean;
}

/** Sets a customer's limits in a currency as a whole; null takes one away. @throws Refusal not_found */
export async function setSpendLimits(sql: Sql, customer: string, limits: SpendLimits): Promise<void> {
  await prepareAccounts(sql);
  const { currency, period, softNanos, hardNanos, prepaid } = limits;
  try {
    await sql`
      SELECT set_spend_limits(${customer}, ${currency}, ${period}, ${softNanos?.toString() ?? null},
        ${hardNanos?.toString() ?? null}, ${prepaid})`;
  } catch (error) {
    if (refusedByDatabase(error)?.code !== "customer_unknown") throw error;
    throw new Refusal("not_found", `there is no customer ${customer}`);
  }
}

/** A customer's first account is summed while metering waits: what can be summed before that is summed here. */
export async function prepareAccounts(sql: Sql): Promise<void> {
  await foldCustomerWindows(sql);
}
