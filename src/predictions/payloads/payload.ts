import { createHash } from "node:crypto";
import { type InputSchema, redactJson, redactPayload } from "../../secrets/index.ts";
import { PAYLOAD_FIELDS } from "../../usage/index.ts";

/** Longer texts are cut. */
const TEXT_BYTES_MAX = 65_536;
/** So is an input, output, log or error that has more, as JSON. */
const FIELD_BYTES_MAX = 262_144;
const HEAD_LENGTH = 2_048;
/** What is nested deeper is replaced: looking for secrets in it goes level by level, and a stack ends. */
const LEVELS_MAX = 200;
const TOO_DEEP = "[nested too deeply]";
const TIME_LENGTH_MAX = 64;

/** What came with an event besides what is metered, of any kind; without secrets. */
export interface PredictionPayload {
  input?: unknown;
  output?: unknown;
  logs?: unknown;
  error?: unknown;
  /** As reported, also those that nothing is charged for. */
  metrics: Record<string, number>;
  hardware: string | null;
  created_at: string | null;
  started_at: string | null;
}

/** What is kept of a value that was too large: what it began with, and enough to know it again. */
export interface Cut {
  $cut: { bytes: number; sha256: string; head: string };
}

/** The payload of a usage event's `data`; undefined when none came with it. Secrets are replaced before anything is cut. */
export function payloadOf(
  sent: Record<string, unknown>,
  schemas: readonly InputSchema[],
): PredictionPayload | undefined {
  const fields = PAYLOAD_FIELDS.filter((name) => sent[name] !== undefined && sent[name] !== null);
  if (fields.length === 0) return undefined;
  const asSent = Object.fromEntries(fields.map((name) => [name, upToLevel(LEVELS_MAX, sent[name])]));
  const redacted = redactPayload(asSent, schemas);
  const cut = Object.entries(redacted).map(([name, value]) => [name, cutField(value)]);
  return {
    ...Object.fromEntries(cut),
    metrics: numbersOf(sent.metrics),
    hardware: shortText(sent.hardware),
    created_at: shortText(sent.created_at),
    started_at: shortText(sent.started_at),
  };
}

function numbersOf(metrics: unknown): Record<string, number> {
  if (typeof metrics !== "object" || metrics === null) return {};
  const numbers = Object.entries(metrics).filter(([, value]) => typeof value === "number");
  return redactJson(Object.fromEntries(numbers)) as Record<string, number>;
}

function shortText(value: unknown): string | null {
  return typeof value === "string" && value.length <= TIME_LENGTH_MAX ? (redactJson(value) as string) : null;
}

function upToLevel(levels: number, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (levels === 0) return TOO_DEEP;
  if (Array.isArray(value)) return value.map((held) => upToLevel(levels - 1, held));
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, upToLevel(levels - 1, held)]));
}

function cutField(value: unknown): unknown {
  const cut = cutTexts(value);
  const text = JSON.stringify(cut);
  return Buffer.byteLength(text) > FIELD_BYTES_MAX ? cutOf(text) : cut;
}

function cutTexts(value: unknown): unknown {
  if (typeof value === "string") return Buffer.byteLength(value) > TEXT_BYTES_MAX ? cutOf(value) : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(cutTexts);
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, cutTexts(held)]));
}

function cutOf(text: string): Cut {
  const sha256 = createHash("sha256").update(text).digest("hex");
  const head = text.slice(0, HEAD_LENGTH).toWellFormed();
  return { $cut: { bytes: Buffer.byteLength(text), sha256, head } };
}
