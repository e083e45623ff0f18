import type { AuthorizeFigures } from "../authorize.ts";
import { figure, figureTable } from "./figures.ts";

const HEAD = ["authorize, 500 requests/s", "answered/s", "p50 ms", "p95 ms", "p99 ms", "max ms", "failed"];

export function printAuthorize(figures: readonly AuthorizeFigures[]): void {
  const rows = figures.map(({ customers, load: { eventsPerSecond, ackMs, failed } }) => [
    customers === 1 ? "of one customer" : `of ${figure(customers)} customers`,
    figure(eventsPerSecond),
    ...[ackMs.p50, ackMs.p95, ackMs.p99, ackMs.max].map((ms) => figure(ms, 1)),
    figure(failed),
  ]);
  console.log(figureTable(HEAD, rows));
  for (const { load, differences, customers } of figures) {
    if (load.failure !== null) console.log(`WRONG: a request was answered with\n${load.failure}`);
    if (differences > 0) console.log(`WRONG: ${differences} of ${customers} accounts do not add up`);
  }
}
