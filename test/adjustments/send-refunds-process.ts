// Makes at Stripe what was refunded, as a process of its own, so that a test can kill it: node send-refunds-process.ts <database> <stripe>
import { openStripeRefundMaker } from "../../src/adapters/stripe/stripe-refund-maker.ts";
import { sendDueRefunds } from "../../src/adjustments/index.ts";
import { present } from "../../src/kernel/index.ts";
import { openSql } from "../../src/postgres/index.ts";

const [databaseUrl, stripeUrl] = process.argv.slice(2);
const sql = openSql(present(databaseUrl, "a database"), { max: 2 });
const apiBase = present(stripeUrl, "a Stripe");
const maker = openStripeRefundMaker({ secretKey: "sk_test_simulator", apiBase, timeoutMs: 10_000 });
try {
  console.log(JSON.stringify(await sendDueRefunds(sql, maker, { restSeconds: 0 })));
} finally {
  await sql.end({ timeout: 5 });
}
