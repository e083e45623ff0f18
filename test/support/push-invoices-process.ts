// Pushes a month's invoices as a process of its own, so that a test can kill it: node push-invoices-process.ts <database> <stripe> <month>
import { openStripeBillingProvider } from "../../src/adapters/stripe/stripe-billing-provider.ts";
import { pushInvoices } from "../../src/billing/index.ts";
import { parsePeriod, present, Refusal } from "../../src/kernel/index.ts";
import { openSql } from "../../src/postgres/index.ts";

const [databaseUrl, stripeUrl, month] = process.argv.slice(2);
const sql = openSql(present(databaseUrl, "a database"), { max: 10 });
const billing = openStripeBillingProvider({
  secretKey: "sk_test_simulator",
  apiBase: present(stripeUrl, "a Stripe"),
  timeoutMs: 10_000,
});
try {
  const report = await pushInvoices(sql, billing, present(parsePeriod(month ?? ""), "a month"));
  console.log(JSON.stringify(report));
} catch (error) {
  // The killed run's connection may still be ending: the next try gets the lock.
  if (!(error instanceof Refusal && error.code === "invoices_running")) throw error;
  process.exitCode = 3;
} finally {
  await sql.end({ timeout: 5 });
}
