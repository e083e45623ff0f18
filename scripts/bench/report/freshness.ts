import type { FreshnessFigures } from "../freshness.ts";
import type { Percentiles } from "../measure/percentiles.ts";
import { figure, figureTable } from "./figures.ts";

const HEAD = [
  "freshness: sent → in GET /payees/{id}/earnings",
  "markers",
  "p50 ms",
  "p95 ms",
  "p99 ms",
  "max ms",
];

export function printFreshness(figures: FreshnessFigures): void {
  const { idleMs, sustainedEventsPerSecond, loaded, failure } = figures;
  const rows = [rowOf("idle", idleMs)];
  if (loaded !== null)
    rows.push(rowOf(`beside ${figure(loaded.load.eventsPerSecond)} events/s over HTTP`, loaded.ms));
  console.log(figureTable(HEAD, rows));
  if (sustainedEventsPerSecond !== null)
    console.log(`The whole path, sent as fast as metered: ${figure(sustainedEventsPerSecond)} events/s.`);
  if (failure !== null) console.log(`WRONG: ${failure}`);
  if ((loaded?.load.failed ?? 0) > 0)
    console.log(`WRONG: ${loaded?.load.failed} requests of the load were not taken`);
}

function rowOf(what: string, { count, p50, p95, p99, max }: Percentiles): string[] {
  return [what, figure(count), ...[p50, p95, p99, max].map((ms) => figure(ms, 1))];
}
