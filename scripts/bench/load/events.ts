import { readFileSync } from "node:fs";
import { CUSTOMERS, customerId, MODELS, modelId, versionsOf } from "./catalog.ts";
import { predictionId, seededRandom, zipf } from "./random.ts";

const TRACE = new URL("../../../data/azure_llm_code_2023.csv", import.meta.url);
/** When events happened: spread evenly from a moment on. */
export interface Span {
  fromMs: number;
  spanMs: number;
}
const THREE_DAYS: Span = { fromMs: Date.UTC(2023, 10, 14), spanMs: 3 * 86_400_000 };
const LATE_MS_MAX = 6 * 3_600_000;
const SOURCES = ["//predictor/us-1", "//predictor/us-2", "//predictor/eu-1", "//predictor/ap-1"];

/** What the charged events add up to, at each meter's scale. */
export interface UsageTotals {
  events: number;
  charged: number;
  predictMicros: number;
  inputTokens: number;
  outputTokens: number;
}

export interface UsageBatch {
  /** The first event's id: what the door makes the record's key. */
  key: string;
  /** The value of the record, as the door writes it. */
  json: string;
  events: number;
}

export interface UsageGenerator {
  totals: UsageTotals;
  batch(events: number): UsageBatch;
}

/**
 * Predictions as they come in life: token counts of a real service's trace, models by Zipf's law, 1,000 customers, 5 %
 * that did not succeed, three days in November (or another span) in the order of their times except for 2 % that come hours late.
 * The same seed makes the same events. `expected` is over how many events the span is spread.
 */
export function usageGenerator(
  seed: number,
  expected: number,
  { fromMs, spanMs } = THREE_DAYS,
): UsageGenerator {
  const random = seededRandom(seed);
  const tokens = readTokens();
  const drawModel = zipf(MODELS, 1);
  const drawCustomer = zipf(CUSTOMERS, 0.7);
  const heads = SOURCES.map((source) => `","source":"${source}","type":"prediction.completed","time":"`);
  const models = Array.from({ length: MODELS }, (_, rank) =>
    versionsOf(rank).map((version) => `","data":{"model":"${modelId(rank)}","version":"${version}",`),
  );
  const customers = Array.from({ length: CUSTOMERS }, (_, rank) => `","subject":"${customerId(rank)}`);
  const totals: UsageTotals = { events: 0, charged: 0, predictMicros: 0, inputTokens: 0, outputTokens: 0 };
  const below = (n: number) => Math.floor(random() * n);
  const timeOf = isoMicros();

  function event(id: string): string {
    const row = below(tokens.input.length);
    const [input, output] = [tokens.input[row] ?? 0, tokens.output[row] ?? 0];
    const micros = Math.round((20_000 * output + 120 * input) * (0.7 + 0.6 * random()));
    const at = fromMs + Math.min(totals.events / expected, 0.999_999) * spanMs;
    const late = below(50) === 0 ? below(LATE_MS_MAX) : below(2_000);
    const time = timeOf(Math.max(fromMs, Math.floor(at) - late), below(1_000));
    const versions = models[drawModel(random)] ?? [];
    const status = drawStatus(random);
    totals.events += 1;
    if (status === "succeeded" || status === "canceled") {
      totals.charged += 1;
      totals.predictMicros += micros;
      totals.inputTokens += input;
      totals.outputTokens += output;
    }
    return `{"specversion":"1.0","id":"${id}${heads[below(heads.length)]}${time}${customers[drawCustomer(random)]}${
      versions[below(versions.length)]
    }"status":"${status}","metrics":{"predict_time":${micros / 1_000_000},"input_token_count":${input},"output_token_count":${output}}}}`;
  }

  function batch(events: number): UsageBatch {
    const key = predictionId(random);
    let json = event(key);
    for (let n = 1; n < events; n++) json += `,${event(predictionId(random))}`;
    return { key, json: events === 1 ? json : `[${json}]`, events };
  }

  return { totals, batch };
}

function drawStatus(random: () => number): string {
  const share = random();
  if (share < 0.95) return "succeeded";
  if (share < 0.975) return "canceled";
  return share < 0.995 ? "failed" : "aborted";
}

function readTokens(): { input: number[]; output: number[] } {
  const rows = readFileSync(TRACE, "utf8").trim().split("\n").slice(1);
  const columns = rows.map((row) => row.split(",").map(Number));
  return { input: columns.map((row) => row[1] ?? 0), output: columns.map((row) => row[2] ?? 0) };
}

/** RFC 3339 with microseconds; most events share their second with the one before. */
function isoMicros(): (ms: number, micros: number) => string {
  let second = Number.NaN;
  let text = "";
  return (ms, micros) => {
    const now = Math.floor(ms / 1000);
    if (now !== second) {
      second = now;
      text = new Date(now * 1000).toISOString().slice(0, 20);
    }
    return `${text}${String((ms % 1000) * 1000 + micros).padStart(6, "0")}Z`;
  };
}
