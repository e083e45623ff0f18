import type { SchemaElement } from "hyparquet";
import type { ExportedPrediction } from "./exported-predictions.ts";

/** One column of the file: what it is called, how it is stored, and its value of a prediction. */
export interface Column {
  /** In the words of SQL. */
  type: string;
  element: SchemaElement;
  of(prediction: ExportedPrediction): string | number | bigint | boolean | Uint8Array | null;
}

const MONEY_BYTES = 16;

const text = (name: string, of: Column["of"]): Column =>
  column("VARCHAR", name, of, {
    type: "BYTE_ARRAY",
    converted_type: "UTF8",
    logical_type: { type: "STRING" },
  });
const count = (name: string, of: Column["of"]): Column => column("BIGINT", name, of, { type: "INT64" });
const few = (name: string, of: Column["of"]): Column => column("INTEGER", name, of, { type: "INT32" });

/** In their order. Money and seconds are exact decimals. */
export const COLUMNS: readonly Column[] = [
  text("id", ({ id }) => id),
  text("source", ({ source }) => source),
  text("model", ({ term }) => term.model),
  text("version", ({ term }) => term.version || null),
  text("customer", ({ customer }) => customer),
  text("country", ({ term }) => term.country || null),
  text("status", ({ term }) => term.status),
  text("parent", ({ parent }) => parent),
  text("hardware", ({ hardware }) => hardware),
  column("TIMESTAMP WITH TIME ZONE", "occurred_at", ({ occurredAt }) => occurredAt, {
    type: "INT64",
    converted_type: "TIMESTAMP_MICROS",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
  }),
  text("booked_period", ({ term }) => term.bookedPeriod),
  column("BOOLEAN", "charged", ({ term }) => term.charged, { type: "BOOLEAN" }),
  column("DECIMAL(18,6)", "predict_seconds", ({ predictMicros }) => predictMicros, {
    ...{ type: "INT64", precision: 18, scale: 6 },
    logical_type: { type: "DECIMAL", precision: 18, scale: 6 },
  }),
  count("input_tokens", ({ inputTokens }) => inputTokens),
  count("output_tokens", ({ outputTokens }) => outputTokens),
  count("images", ({ images }) => images),
  text("other_meters", ({ other }) => (Object.keys(other).length === 0 ? null : JSON.stringify(other))),
  text("price", ({ term }) =>
    JSON.stringify(Object.fromEntries(term.prices.map(({ meter, amount, per }) => [meter, { amount, per }]))),
  ),
  text("currency", ({ term }) => term.currency),
  money("gross", ({ grossNanos }) => grossNanos),
  money("earned", ({ earnedNanos }) => earnedNanos),
  few("feedback_up", ({ feedback }) => feedback?.up ?? null),
  few("feedback_down", ({ feedback }) => feedback?.down ?? null),
  few("feedback_scored", ({ feedback }) => feedback?.scored ?? null),
  few("feedback_score_sum", ({ feedback }) => feedback?.score_sum ?? null),
  text("feedback_labels", ({ feedback }) => (feedback === null ? null : JSON.stringify(feedback.labels))),
];

/** For people. */
export const EXPORT_COLUMNS = COLUMNS.map(({ type, element: { name } }) => ({ name, type }));

function column(
  type: string,
  name: string,
  of: Column["of"],
  element: Omit<SchemaElement, "name" | "repetition_type">,
): Column {
  return { type, element: { name, repetition_type: "OPTIONAL", ...element }, of };
}

/** Nanos as parquet's decimals of 38 digits: two's complement, the first byte first. */
function money(name: string, of: (prediction: ExportedPrediction) => bigint | null): Column {
  const bytes = (prediction: ExportedPrediction) => {
    const nanos = of(prediction);
    return nanos === null ? null : twosComplement(nanos);
  };
  return column("DECIMAL(38,9)", name, bytes, {
    ...{ type: "FIXED_LEN_BYTE_ARRAY", type_length: MONEY_BYTES, precision: 38, scale: 9 },
    logical_type: { type: "DECIMAL", precision: 38, scale: 9 },
  });
}

function twosComplement(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(MONEY_BYTES);
  bytes.writeBigInt64BE(BigInt.asIntN(64, value >> 64n));
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value), 8);
  return bytes;
}
