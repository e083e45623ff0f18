import type { PayloadFigures } from "../payloads.ts";
import { figure, figureTable } from "./figures.ts";

const HEAD = [
  "payloads: POST /v1/events, 100 a request",
  "most events/s",
  "API µs/event",
  "PostgreSQL µs/event",
  "log bytes/event",
  "failed",
];

export function printPayloads(figures: readonly PayloadFigures[]): void {
  const micros = (value: number | null) => (value === null ? "" : figure(value, 1));
  const rows = figures.map(({ payloadBytes, most, cpuMicros, logBytes }) => [
    payloadBytes === 0 ? "metrics alone" : `${figure(payloadBytes)} bytes of input and output`,
    figure(most.eventsPerSecond),
    micros(cpuMicros.api),
    micros(cpuMicros.postgres),
    figure(logBytes, 1),
    figure(most.failed),
  ]);
  console.log(figureTable(HEAD, rows));
  for (const { most } of figures)
    if (most.failure !== null) console.log(`WRONG: a request was answered with\n${most.failure}`);
}
