// Has Replicate tell Tributary of a prediction by itself: it signs its webhooks, so no key of ours is given away.
// Start Tributary with REPLICATE_WEBHOOK_SECRET (GET https://api.replicate.com/v1/webhooks/default/secret), reachable from
// outside, with the customer, the model and a price; then:
//   REPLICATE_API_TOKEN=… TRIBUTARY_URL=https://billing.example.com npm exec node -- examples/replicate-webhook.ts
const { REPLICATE_API_TOKEN = "", TRIBUTARY_URL = "", CUSTOMER = "customer-1" } = process.env;
const MODEL = process.env.MODEL ?? "meta/meta-llama-3-8b-instruct";
const API = process.env.REPLICATE_API_URL ?? "https://api.replicate.com";

const response = await fetch(new URL(`/v1/models/${MODEL}/predictions`, API), {
  method: "POST",
  headers: { authorization: `Bearer ${REPLICATE_API_TOKEN}`, "content-type": "application/json" },
  body: JSON.stringify({
    input: { prompt: "one line about rivers" },
    webhook: new URL(`/v1/ingest/replicate?customer=${encodeURIComponent(CUSTOMER)}`, TRIBUTARY_URL).href,
    webhook_events_filter: ["completed"],
  }),
});
if (!response.ok) throw new Error(`Replicate answered ${response.status}: ${await response.text()}`);
const { id } = (await response.json()) as { id: string };
console.log(`started ${id}; once it is done: ${TRIBUTARY_URL}/v1/predictions/${id}?source=//replicate`);
