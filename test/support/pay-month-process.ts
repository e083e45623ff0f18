// Pays a month as a process of its own, so that a test can kill it: node pay-month-process.ts <database> <stripe> <month>
import { openStripePayoutProvider } from "../../src/adapters/stripe/stripe-payout-provider.ts";
import { parsePeriod, present, Refusal } from "../../src/kernel/index.ts";
import { payMonth } from "../../src/payouts/index.ts";
import { openSql } from "../../src/postgres/index.ts";

const [databaseUrl, stripeUrl, month] = process.argv.slice(2);
const sql = openSql(present(databaseUrl, "a database"), { max: 10 });
const provider = openStripePayoutProvider({
  secretKey: "sk_test_simulator",
  apiBase: present(stripeUrl, "a Stripe"),
  timeoutMs: 10_000,
});
try {
  const report = await payMonth(sql, provider, present(parsePeriod(month ?? ""), "a month"));
  console.log(JSON.stringify(report));
} catch (error) {
  // The killed run's connection may still be ending: the next try gets the lock.
  if (!(error instanceof Refusal && error.code === "settlement_running")) throw error;
  process.exitCode = 3;
} finally {
  await sql.end({ timeout: 5 });
}
