// Tells Stripe what was paid elsewhere, as a process of its own, so that a test can kill it: node tell-payments-process.ts <database> <stripe>
import { openStripeBillingProvider } from "../../src/adapters/stripe/stripe-billing-provider.ts";
import { tellDuePayments } from "../../src/billing/index.ts";
import { present } from "../../src/kernel/index.ts";
import { openSql } from "../../src/postgres/index.ts";

const [databaseUrl, stripeUrl] = process.argv.slice(2);
const sql = openSql(present(databaseUrl, "a database"), { max: 2 });
const apiBase = present(stripeUrl, "a Stripe");
const provider = openStripeBillingProvider({ secretKey: "sk_test_simulator", apiBase, timeoutMs: 10_000 });
try {
  console.log(JSON.stringify(await tellDuePayments(sql, provider, { restSeconds: 0 })));
} finally {
  await sql.end({ timeout: 5 });
}
