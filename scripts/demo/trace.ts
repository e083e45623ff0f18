import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { CUSTOMERS, FINE_TUNES } from "./catalog.ts";

const LANGUAGE_MODELS = [
  "meta/llama-3-70b-instruct",
  "meta/llama-3-8b-instruct",
  "meta/llama-2-70b-chat",
  "mistralai/mixtral-8x7b-instruct-v0.1",
  "mistralai/mistral-7b-instruct-v0.2",
  ...FINE_TUNES.map(({ id }) => id),
];

/** The trace's invocations as predictions. Who ran what is drawn from a hash of the row, so every run is the same. */
export async function traceEvents(): Promise<object[]> {
  const file = new URL("../../data/azure_llm_code_2023.csv", import.meta.url);
  const lines = (await readFile(file, "utf8")).trim().split("\n").slice(1);
  return lines.map((line, row) => {
    const [timestamp = "", context = "0", generated = "0"] = line.trim().split(",");
    return toEvent(row, timestamp, Number(context), Number(generated));
  });
}

function toEvent(row: number, timestamp: string, context: number, generated: number): object {
  const draw = createHash("sha256").update(`row ${row}`).digest();
  const seconds = Math.round(20_000 * generated + 120 * context) / 1_000_000;
  const { model, metrics } = prediction(draw, seconds, context, generated);
  return {
    specversion: "1.0",
    source: "//predictor/eu-1",
    id: draw.toString("hex", 0, 13),
    type: "prediction.completed",
    time: `${timestamp.replace(" ", "T")}Z`,
    // A few customers run most of it, as in life.
    subject: CUSTOMERS[Math.floor(CUSTOMERS.length * (draw.readUInt16BE(20) / 65_536) ** 2)],
    data: {
      model,
      version: `v${1 + (draw.readUInt8(22) % 2)}`,
      status: draw.readUInt8(23) < 5 ? "failed" : "succeeded",
      metrics,
    },
  };
}

function prediction(draw: Buffer, seconds: number, context: number, generated: number) {
  const kind = draw.readUInt8(24);
  if (kind < 12)
    return {
      model: "black-forest-labs/flux-schnell",
      metrics: { predict_time: seconds, image_count: 1 + (kind % 4) },
    };
  if (kind < 24) return { model: "stability-ai/sdxl", metrics: { predict_time: seconds, image_count: 1 } };
  if (kind < 36) return { model: "openai/whisper", metrics: { predict_time: seconds } };
  const model = LANGUAGE_MODELS[Math.floor(LANGUAGE_MODELS.length * (draw.readUInt16BE(26) / 65_536))] ?? "";
  return {
    model,
    metrics: { predict_time: seconds, input_token_count: context, output_token_count: generated },
  };
}
