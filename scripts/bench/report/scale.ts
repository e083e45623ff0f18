import type { ScaleFigures } from "../scale.ts";
import { figure, figureTable } from "./figures.ts";

export function printScale({
  byWorkers,
  growth,
  earningsQueries,
  whileBooked,
  differences,
}: ScaleFigures): void {
  const head = ["scale: workers", "partitions", "events/s", "batches", "wrong"];
  const rates = byWorkers.map(({ workers, partitions, rates: { eventsPerSecond }, batches, ...run }) => [
    String(workers),
    figure(partitions),
    figure(eventsPerSecond),
    figure(batches),
    figure(run.differences.length),
  ]);
  console.log(figureTable(head, rates));

  const stages = growth.map(({ events }) => `${figure(events)} events`);
  const grown = Object.keys(growth.at(-1)?.rows ?? {}).filter(
    (table) => new Set(growth.map(({ rows }) => rows[table])).size > 1,
  );
  const rowsOf = (table: string) => growth.map(({ rows }) => figure(rows[table] ?? 0));
  console.log(
    figureTable(
      ["rows", ...stages],
      grown.map((table) => [table, ...rowsOf(table)]),
    ),
  );

  const queries = earningsQueries.map(({ payee, models, rows, ms }) => [
    payee,
    figure(models),
    figure(rows),
    ...[ms.p50, ms.p95, ms.p99].map((value) => figure(value, 1)),
  ]);
  const query = "GET /payees/{id}/earnings?group_by=model,day";
  console.log(figureTable([query, "models", "rows", "p50 ms", "p95 ms", "p99 ms"], queries));

  const booked = whileBooked.map(({ payee, call, bytes, ms }) => [
    `${payee} ${call}`,
    figure(ms.count),
    ...[ms.p50, ms.p95, ms.max].map((value) => figure(value, 1)),
    figure(bytes),
  ]);
  console.log(
    figureTable(
      ["while five batches a second come in", "calls", "p50 ms", "p95 ms", "max ms", "bytes"],
      booked,
    ),
  );
  for (const difference of differences) console.log(`WRONG: ${difference}`);
  if (differences.length === 0) console.log("Nothing was lost, nothing was counted twice.");
}
