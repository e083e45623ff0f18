import type { AddressInfo } from "node:net";
import express from "express";
import OpenAI from "openai";
import type { Prediction } from "replicate";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { meterOpenAi, metricsOfOpenAiUsage, type Usage } from "../../src/client/index.ts";
import { eventOfReplicatePrediction, ReplicatePrediction, readUsageEvent } from "../../src/usage/index.ts";
import { until } from "../support/until.ts";

const COMPLETION: OpenAI.ChatCompletion = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "llm",
  choices: [
    {
      index: 0,
      finish_reason: "stop",
      logprobs: null,
      message: { role: "assistant", content: "höchst erfreut", refusal: null },
    },
  ],
  usage: {
    prompt_tokens: 12,
    completion_tokens: 34,
    total_tokens: 46,
    prompt_tokens_details: { cached_tokens: 5 },
    completion_tokens_details: { reasoning_tokens: 7 },
  },
};

let recorded: Usage[] = [];
let client: OpenAI;
let stop: () => void;
/** Called when the stream has sent its first part; what it answers ends it. */
let streaming: () => Promise<void> = async () => {};

beforeAll(async () => {
  const app = express();
  const meter = meterOpenAi<express.Request>({
    client: { record: (usage) => String(recorded.push(usage)) },
    customer: (request) => request.get("x-customer"),
    model: (request) => `ada/${request.body.model}`,
  });
  app.use(express.json());
  app.post("/v1/chat/completions", meter, async (request, response) => {
    if (request.body.model === "broken") {
      response.status(500).json({ error: { message: "broken" } });
      return;
    }
    if (request.body.stream !== true) {
      response.json(COMPLETION);
      return;
    }
    response.type("text/event-stream");
    const { usage, choices: _, ...rest } = COMPLETION;
    const chunk = { ...rest, object: "chat.completion.chunk", choices: [], usage: null };
    // The document may be cut anywhere, also within a letter.
    const text = Buffer.from(`data: ${JSON.stringify({ ...chunk, note: "höchst" })}\n\n`);
    response.write(text.subarray(0, 40));
    response.write(text.subarray(40));
    await streaming();
    response.write(`data: ${JSON.stringify({ ...chunk, usage })}\n\n`);
    response.end("data: [DONE]\n\n");
  });
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  client = new OpenAI({
    apiKey: "none",
    baseURL: `http://127.0.0.1:${port}/v1`,
    defaultHeaders: { "x-customer": "acme" },
    maxRetries: 0,
  });
  stop = () => {
    server.close();
    server.closeAllConnections();
  };
});
afterAll(() => stop());
beforeEach(() => {
  recorded = [];
  streaming = async () => {};
});

const messages = [{ role: "user" as const, content: "hello" }];
const METRICS = {
  predict_time: expect.any(Number),
  input_token_count: 12,
  output_token_count: 34,
  cached_input_token_count: 5,
  reasoning_token_count: 7,
};

const OWN_ID = expect.stringMatching(/^[0-9a-f-]{36}$/);

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const parts: T[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

test("a completion that the OpenAI SDK asked for is recorded with its tokens, and reaches it unchanged", async () => {
  const answer = await client.chat.completions.create({ model: "llm", messages });
  expect(answer).toMatchObject(COMPLETION);
  await until(() => recorded.length === 1);
  expect(recorded).toEqual([
    { id: OWN_ID, customer: "acme", model: "ada/llm", status: "succeeded", metrics: METRICS },
  ]);
});

test("a request that the caller's functions cannot read is answered, and the endpoint goes on", async () => {
  const warned: Error[] = [];
  const note = (warning: Error) => warned.push(warning);
  process.on("warning", note);
  const url = `${client.baseURL}/chat/completions`;
  const { status } = await fetch(url, { method: "POST", headers: { "x-customer": "acme" }, body: "hello" });
  expect(status).toBe(500);
  await until(() => warned.length > 0);
  process.off("warning", note);
  expect(recorded).toEqual([]);
  await client.chat.completions.create({ model: "llm", messages });
  await until(() => recorded.length === 1);
});

test("answers with the same id are two predictions, and the caller is told which", async () => {
  const told: (string | null)[] = [];
  for (let time = 0; time < 2; time++) {
    const { response } = await client.chat.completions.create({ model: "llm", messages }).withResponse();
    told.push(response.headers.get("x-prediction-id"));
  }
  await until(() => recorded.length === 2);
  expect(new Set(told).size).toBe(2);
  expect(recorded.map(({ id }) => id).sort()).toEqual(told.sort());
});

test("a stream is recorded when it is over, from the usage in its last part", async () => {
  const options = { stream: true as const, stream_options: { include_usage: true } };
  const stream = await client.chat.completions.create({ model: "llm", messages, ...options });
  const parts = await all(stream);
  expect(parts.at(-1)?.usage).toMatchObject({ prompt_tokens: 12 });
  await until(() => recorded.length === 1);
  expect(recorded[0]).toMatchObject({ id: OWN_ID, status: "succeeded", metrics: METRICS });
});

test("a stream whose caller goes away is canceled, and one that breaks is failed", async () => {
  const abort = new AbortController();
  streaming = () => {
    abort.abort();
    return until(() => recorded.length === 1);
  };
  const asking = client.chat.completions
    .create({ model: "llm", messages, stream: true }, { signal: abort.signal })
    .then(all);
  await asking.catch(() => {});
  await until(() => recorded.length === 1);
  expect(recorded[0]).toMatchObject({ status: "canceled", metrics: { predict_time: expect.any(Number) } });
  expect(recorded[0]?.metrics).not.toHaveProperty("input_token_count");

  await expect(client.chat.completions.create({ model: "broken", messages })).rejects.toThrow("500");
  await until(() => recorded.length === 2);
  expect(recorded[1]).toMatchObject({ status: "failed", model: "ada/broken" });
});

test("a request without a customer passes and is not recorded", async () => {
  await client.chat.completions.create({ model: "llm", messages }, { headers: { "x-customer": null } });
  expect(recorded).toEqual([]);
});

test("usage of the Responses API means the same", () => {
  const usage: OpenAI.Responses.ResponseUsage = {
    input_tokens: 3,
    output_tokens: 4,
    total_tokens: 7,
    input_tokens_details: { cached_tokens: 1, cache_write_tokens: 0 },
    output_tokens_details: { reasoning_tokens: 2 },
  };
  expect(metricsOfOpenAiUsage(usage)).toEqual({
    input_token_count: 3,
    output_token_count: 4,
    cached_input_token_count: 1,
    reasoning_token_count: 2,
  });
});

test("a prediction as Replicate's SDK has it becomes a usage event", () => {
  const prediction: Prediction = {
    id: "ufawqhfynnddngldkgtslldrkq",
    status: "succeeded",
    model: "meta/llama-3-70b-instruct",
    version: "hidden",
    input: { prompt: "hello" },
    output: ["a"],
    source: "api",
    created_at: "2023-11-16T12:00:00Z",
    completed_at: "2023-11-16T12:00:02Z",
    metrics: { predict_time: 1.5 },
    urls: { get: "https://api.example.com", cancel: "https://api.example.com" },
  } as Prediction;
  const event = eventOfReplicatePrediction(ReplicatePrediction.parse(prediction), "acme");
  expect(readUsageEvent(event, BigInt(Date.now()) * 1000n)).toMatchObject({
    event: {
      model: "meta/llama-3-70b-instruct",
      version: "",
      quantities: new Map([
        ["runs", 1n],
        ["predict_seconds", 1_500_000n],
      ]),
    },
  });
});
