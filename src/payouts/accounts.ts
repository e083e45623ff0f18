import type { Sql } from "../postgres/index.ts";
import type { AccountReadiness } from "../settlement/index.ts";
import type { AccountStatus, PayoutProvider } from "./payout-provider.ts";

const AT_ONCE = 8;

/** What is known of these accounts; asks the provider about those that are new or were not ready when last asked. */
export async function accountReadiness(
  sql: Sql,
  provider: PayoutProvider,
  accounts: string[],
): Promise<Map<string, AccountReadiness>> {
  const known = await sql<(AccountReadiness & { account: string })[]>`
    SELECT account, transfers_enabled AS "transfersEnabled", disabled_reason AS "disabledReason"
    FROM payout_account WHERE account = ANY (${accounts}) AND transfers_enabled`;
  const ready = new Map(known.map((status) => [status.account, status]));
  const queue = accounts.filter((account) => !ready.has(account));
  const worker = async () => {
    for (let account = queue.shift(); account !== undefined; account = queue.shift()) {
      const askedAt = new Date();
      const status = await provider.accountStatus(account);
      await recordAccount(sql, status, askedAt);
      ready.set(account, status);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return ready;
}

/** @param askedAt when the provider was asked: an answer to an earlier question does not replace a later one's */
export async function recordAccount(sql: Sql, status: AccountStatus, askedAt: Date): Promise<void> {
  await sql`
    INSERT INTO payout_account AS known (account, transfers_enabled, disabled_reason, checked_at)
    VALUES (${status.account}, ${status.transfersEnabled}, ${status.disabledReason}, ${askedAt})
    ON CONFLICT (account) DO UPDATE SET transfers_enabled = excluded.transfers_enabled,
      disabled_reason = excluded.disabled_reason, checked_at = excluded.checked_at
    WHERE known.checked_at <= excluded.checked_at`;
}
