// What a creator has earned by model, what is paid next and why not, and what was paid, in the API's own types. Needs a running
// service with the payee (npm run demo):
//   PAYEE=<its id> TRIBUTARY_KEY=<its key, or the operator's> npm exec node -- examples/creators-money.ts
import { ApiClient, ApiError } from "../src/client/index.ts";

const tributary = new ApiClient({
  url: process.env.TRIBUTARY_URL ?? "http://127.0.0.1:8787",
  key: process.env.TRIBUTARY_KEY ?? "",
});
const path = { id: process.env.PAYEE ?? "ada" };

try {
  const earnings = await tributary.call("get /v1/payees/{id}/earnings", {
    path,
    query: { group_by: "model" },
  });
  for (const { model, reason, earned } of earnings.data)
    console.log(`${model}: ${earned.amount} ${earned.currency} (${reason})`);

  for (const { payable, next_payout } of await tributary.call("get /v1/payees/{id}/balances", { path })) {
    console.log(`next payout ${next_payout.date}: ${next_payout.estimate.amount} ${payable.currency}`);
    if (next_payout.why_not !== null) console.log(`  ${next_payout.why_not}`);
  }

  for await (const payout of tributary.list("get /v1/payees/{id}/payouts", { path }))
    console.log(`${payout.period}: ${payout.amount.amount} ${payout.amount.currency} ${payout.state}`);
} catch (error) {
  if (!(error instanceof ApiError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
