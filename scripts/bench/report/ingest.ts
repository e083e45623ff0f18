import type { IngestFigures } from "../ingest.ts";
import { figure, figureTable } from "./figures.ts";

const HEAD = [
  "ingest: POST /v1/events",
  "most events/s",
  "API µs/event",
  "at half: events/s",
  "p50 ms",
  "p95 ms",
  "p99 ms",
  "failed",
];

export function printIngest(figures: readonly IngestFigures[]): void {
  const rows = figures.map(({ log, batch, most, apiCpuMicrosPerEvent, half }) => [
    `${log === "kafka" ? "Kafka" : "PostgreSQL log"}, ${figure(batch)} a request`,
    figure(most.eventsPerSecond),
    apiCpuMicrosPerEvent === null ? "" : figure(apiCpuMicrosPerEvent, 1),
    figure(half.eventsPerSecond),
    ...[half.ackMs.p50, half.ackMs.p95, half.ackMs.p99].map((ms) => figure(ms, 1)),
    figure(most.failed + half.failed),
  ]);
  console.log(figureTable(HEAD, rows));
  for (const { most, half } of figures) {
    const failure = most.failure ?? half.failure;
    if (failure !== null) console.log(`WRONG: a request was answered with\n${failure}`);
  }
}
