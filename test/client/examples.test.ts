import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OPERATOR_KEY, startTestApi, type TestApi } from "../support/api.ts";
import { until } from "../support/until.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

const SECRET = `whsec_${Buffer.alloc(24, 5).toString("base64")}`;

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ REPLICATE_WEBHOOK_SECRET: SECRET });
  await api.load(SMALL_CATALOG);
});
afterAll(() => api.stop());

function run(
  example: string,
  env: Record<string, string> = {},
): { process: ChildProcess; out: () => string } {
  let out = "";
  const started = spawn(process.execPath, [`examples/${example}.ts`], {
    cwd: resolve(import.meta.dirname, "../.."),
    env: {
      ...process.env,
      TRIBUTARY_URL: api.url,
      TRIBUTARY_KEY: OPERATOR_KEY,
      CUSTOMER: "acme",
      MODEL: "ada/llm",
      PORT: "0",
      ...env,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  started.stdout?.on("data", (chunk) => {
    out += chunk;
  });
  return { process: started, out: () => out };
}

async function seen(id: string) {
  await api.metered();
  return (await api.operator("GET", `/v1/predictions/${id}`)).body;
}

test("examples/record-usage.ts notes predictions, with what came in and out, without its secret", async () => {
  const { process, out } = run("record-usage");
  const [code] = await once(process, "exit");
  expect(code).toBe(0);
  const ids = [...out().matchAll(/noted (\S+)/g)].map(([, id]) => id ?? "");
  expect(ids).toHaveLength(3);
  expect(await seen(ids[0] ?? "")).toMatchObject({
    state: "metered",
    input: { prompt: "story 0", hf_token: "[redacted]" },
    output: ["Once", " upon", " a", " time"],
  });
});

test("examples/creators-money.ts tells what a creator has earned, and what is paid next", async () => {
  await api.send(usageEvent({ id: "seen", metrics: { input_token_count: 10_000 } }));
  const { process, out } = run("creators-money", { PAYEE: "ada" });
  const [code] = await once(process, "exit");
  expect(code).toBe(0);
  expect(out()).toMatch(/^ada\/llm: \d+\.\d{9} USD \(share\)$/m);
  expect(out()).toMatch(/^next payout \d{4}-\d{2}-\d{2}: /m);
});

test("examples/openai-endpoint.ts meters what it answers", async () => {
  const { process, out } = run("openai-endpoint");
  await until(() => out().includes("http://"));
  const response = await fetch(`${out().trim()}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-customer": "acme" },
    body: JSON.stringify({ model: "ada/llm", messages: [{ role: "user", content: "hello there" }] }),
  });
  const id = response.headers.get("x-prediction-id") ?? "";
  await response.json();
  process.kill("SIGTERM");
  await once(process, "exit");
  expect(await seen(id)).toMatchObject({
    customer: "acme",
    input: { messages: [{ content: "hello there" }] },
    output: [{ message: { content: "You said hello there" } }],
  });
});

test("examples/replicate-webhook.ts has Replicate tell of its predictions", async () => {
  // In Replicate's place: answers with an id, and sends the webhook it was asked for.
  const replicate = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", async () => {
      const { input, webhook } = JSON.parse(text) as { input: unknown; webhook: string };
      const prediction = {
        id: "from-replicate",
        model: "ada/llm",
        version: "hidden",
        input,
        output: ["wet"],
      };
      const times = { created_at: "2023-11-16T12:00:00Z", completed_at: "2023-11-16T12:00:01Z" };
      const body = JSON.stringify({
        ...prediction,
        ...times,
        status: "succeeded",
        metrics: { input_token_count: 9 },
      });
      const at = new Date();
      const headers = {
        "content-type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
        "webhook-signature": new Webhook(SECRET).sign("msg_1", at, body),
      };
      await fetch(webhook, { method: "POST", headers, body });
      response.end(JSON.stringify({ id: "from-replicate" }));
    });
  }).listen(0, "127.0.0.1");
  await once(replicate, "listening");
  const { port } = replicate.address() as AddressInfo;
  const { process, out } = run("replicate-webhook", { REPLICATE_API_URL: `http://127.0.0.1:${port}` });
  const [code] = await once(process, "exit");
  replicate.close();
  expect({ code, out: out() }).toMatchObject({
    code: 0,
    out: expect.stringContaining("started from-replicate"),
  });
  expect(await seen("from-replicate")).toMatchObject({ source: "//replicate", output: ["wet"] });
});

test("examples/analyze-predictions.ts says from the export how versions did", async () => {
  const timed = (version: string, count: number, status: string, seconds: number) =>
    Array.from({ length: count }, (_, n) =>
      usageEvent({
        id: `${version}-${status}-${n}`,
        ...{ version, status, time: "2023-10-05T12:00:00Z" },
        metrics: { predict_time: seconds * (n + 1) },
      }),
    );
  await api.send(
    ...timed("v1", 20, "succeeded", 0.1),
    ...timed("v1", 5, "failed", 9),
    ...timed("v2", 4, "succeeded", 1),
    ...timed("v2", 1, "canceled", 1),
  );
  const { process, out } = run("analyze-predictions", { FROM: "2023-10-01", TO: "2023-11-01" });
  const [code] = await once(process, "exit");
  expect({ code, lines: out().trim().split("\n") }).toEqual({
    code: 0,
    lines: [
      "v1: 20 of 25 succeeded (80.0 %), p50 1.000 s, p95 1.900 s, p99 2.000 s",
      "v2: 4 of 4 succeeded (100.0 %), p50 2.000 s, p95 4.000 s, p99 4.000 s",
    ],
  });
});
