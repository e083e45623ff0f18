// Notes three predictions and ends; what was noted is sent before. Needs a running service with the customer, the model
// and a price (npm run demo):
//   TRIBUTARY_KEY=<a key with the role ingest, or the operator's> npm exec node -- examples/record-usage.ts
import { UsageClient } from "../src/client/index.ts";

const usage = new UsageClient({
  url: process.env.TRIBUTARY_URL ?? "http://127.0.0.1:8787",
  key: process.env.TRIBUTARY_KEY ?? "",
  source: "//examples/record-usage",
  journal: "/tmp/tributary-example-usage",
  onRejected: (event, { code, message }) => console.error(`${event.id}: ${code}, ${message}`),
  onTrouble: (error) => console.error(`not yet sent: ${error.message}`),
});

for (let n = 0; n < 3; n++) {
  const id = usage.record({
    customer: process.env.CUSTOMER ?? "customer-1",
    model: process.env.MODEL ?? "meta/llama-3-70b-instruct",
    metrics: { predict_time: 1.25, input_token_count: 480, output_token_count: 120 },
    input: { prompt: `story ${n}`, hf_token: "hf_neverKept123" },
    output: ["Once", " upon", " a", " time"],
  });
  console.log(`noted ${id}`);
}
