// Reads the export of a model's predictions and says how its versions did: success rate and percentiles of time.
// With the key of an operator, of the model's creator, or of a customer for its own:
//   TRIBUTARY_URL=http://127.0.0.1:8787 TRIBUTARY_KEY=trib_… MODEL=ada/llm FROM=2026-01-01 TO=2026-02-01 \
//     npm exec node -- examples/analyze-predictions.ts
// DuckDB and pandas read the same file: docs/prediction-export.md.
import { parquetReadObjects } from "hyparquet";

const { TRIBUTARY_URL = "http://127.0.0.1:8787", TRIBUTARY_KEY = "", MODEL = "ada/llm" } = process.env;
const { FROM = "2026-01-01", TO = "2026-02-01" } = process.env;

const url = new URL("/v1/exports/predictions", TRIBUTARY_URL);
url.search = new URLSearchParams({
  model: MODEL,
  from: `${FROM}T00:00:00Z`,
  to: `${TO}T00:00:00Z`,
}).toString();
const response = await fetch(url, {
  headers: { authorization: `Bearer ${TRIBUTARY_KEY}`, accept: "application/vnd.apache.parquet" },
});
if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);

interface Prediction {
  version: string | null;
  status: string;
  predict_seconds: number | null;
}
const columns = ["version", "status", "predict_seconds"];
const rows = (await parquetReadObjects({ file: await response.arrayBuffer(), columns })) as Prediction[];

const versions = new Map<string, { tried: number; seconds: number[]; succeeded: number }>();
for (const { version, status, predict_seconds } of rows) {
  const of = versions.get(version ?? "-") ?? { tried: 0, seconds: [], succeeded: 0 };
  versions.set(version ?? "-", of);
  if (status !== "canceled") of.tried++;
  if (status !== "succeeded") continue;
  of.succeeded++;
  if (predict_seconds !== null) of.seconds.push(predict_seconds);
}

for (const [version, { tried, succeeded, seconds }] of [...versions].sort()) {
  seconds.sort((a, b) => a - b);
  const percentile = (p: number) => seconds[Math.ceil(p * seconds.length) - 1]?.toFixed(3) ?? "-";
  console.log(
    `${version}: ${succeeded} of ${tried} succeeded (${tried === 0 ? "-" : ((100 * succeeded) / tried).toFixed(1)} %), ` +
      `p50 ${percentile(0.5)} s, p95 ${percentile(0.95)} s, p99 ${percentile(0.99)} s`,
  );
}
