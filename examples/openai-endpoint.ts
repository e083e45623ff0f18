// An endpoint that answers as OpenAI's does, metered. Ask it with any OpenAI client, or:
//   TRIBUTARY_KEY=… npm exec node -- examples/openai-endpoint.ts
//   curl http://127.0.0.1:8788/v1/chat/completions -H 'content-type: application/json' -H 'x-customer: customer-1' \
//     -d '{ "model": "meta/llama-3-70b-instruct", "messages": [{ "role": "user", "content": "hello" }] }'
import express, { type Request } from "express";
import { meterOpenAi, UsageClient } from "../src/client/index.ts";

const client = new UsageClient({
  url: process.env.TRIBUTARY_URL ?? "http://127.0.0.1:8787",
  key: process.env.TRIBUTARY_KEY ?? "",
  source: "//examples/openai-endpoint",
  onTrouble: (error) => console.error(`not yet sent: ${error.message}`),
});

const meter = meterOpenAi<Request>({
  client,
  customer: (request) => request.get("x-customer"),
  model: (request) => request.body.model,
  payloads: true,
});

const app = express();
app.post("/v1/chat/completions", express.json(), meter, (request, response) => {
  const said: string = request.body.messages.at(-1)?.content ?? "";
  const [prompt_tokens, completion_tokens] = [said.split(" ").length, 3];
  response.json({
    id: `chatcmpl-${crypto.randomUUID()}`,
    object: "chat.completion",
    created: Math.floor(Date.now() / 1000),
    model: request.body.model,
    choices: [
      { index: 0, finish_reason: "stop", message: { role: "assistant", content: `You said ${said}` } },
    ],
    usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
  });
});
const server = app.listen(Number(process.env.PORT ?? 8788), "127.0.0.1", () => {
  const address = server.address();
  console.log(`http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, async () => {
    server.close();
    await client.close();
    process.exit();
  });
}
