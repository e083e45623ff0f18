import type { CatalogStore } from "../catalog/index.ts";
import type { Sql } from "../postgres/index.ts";
import { recordAccount } from "./accounts.ts";
import type { AccountStatus, PayoutProvider } from "./payout-provider.ts";

const AT_ONCE = 8;

/**
 * Gives every payee without an account one that can receive transfers. For the simulator only: at Stripe itself
 * payees connect their own. Safe to repeat: the key is the payee's in this installation, and the account is noted in the catalogue.
 */
export async function provisionAccounts(
  sql: Sql,
  catalog: CatalogStore,
  provider: PayoutProvider,
): Promise<void> {
  const { payees } = await catalog.current();
  const queue = [...payees].filter(([, payee]) => payee.stripeAccount === null);
  const accounts: { payee: string; stripe_account: string }[] = [];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [payee, { country }] = next;
      const { account } = await openAccount(sql, provider, payee, country);
      accounts.push({ payee, stripe_account: account });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (accounts.length > 0) await catalog.change({ accounts }, { by: "service", opened: true });
}

/**
 * Opens a payee's account at the provider, once: repeated, it is the same account until the catalogue has noted it, and whoever
 * had others before gets a new one.
 */
export async function openAccount(
  sql: Sql,
  provider: PayoutProvider,
  payee: string,
  country: string,
): Promise<AccountStatus> {
  const askedAt = new Date();
  const [{ installation, before }] = await sql<[{ installation: string; before: number }]>`
    SELECT installation, (SELECT count(*)::int FROM payee_account WHERE payee = ${payee}) AS before FROM books_state`;
  const idempotencyKey = `account:${installation}:${payee}${before === 0 ? "" : `:${before}`}`;
  const status = await provider.createAccount({ payee, country, installation, idempotencyKey });
  await recordAccount(sql, status, askedAt);
  return status;
}
