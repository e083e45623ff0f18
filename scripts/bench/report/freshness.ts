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

export function printFreshness({ idleMs, loadedMs, load, maximalEventsPerSecond }: FreshnessFigures): void {
  const row = (what: string, { count, p50, p95, p99, max }: Percentiles) => [
    what,
    figure(count),
    ...[p50, p95, p99, max].map((ms) => figure(ms, 1)),
  ];
  console.log(
    figureTable(HEAD, [
      row("idle", idleMs),
      row(`beside ${figure(load.eventsPerSecond)} events/s over HTTP`, loadedMs),
    ]),
  );
  console.log(`Metering alone, at its most: ${figure(maximalEventsPerSecond)} events/s.`);
  if (load.failed > 0) console.log(`WRONG: ${load.failed} requests of the load were not taken`);
}
