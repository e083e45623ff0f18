import type { AuthorizeFigures } from "../authorize.ts";
import { figure, figureTable } from "./figures.ts";

const LATE = ["p50 ms", "p95 ms", "p99 ms", "max ms"];

export function printAuthorize(figures: readonly AuthorizeFigures[]): void {
  const head = [
    `authorize, ${figure(figures[0]?.requestsPerSecond ?? 0)} requests/s`,
    "answered/s",
    ...LATE,
    "failed",
    "unanswered",
    "events/s beside",
    "CPU ms each: API",
    "PostgreSQL",
    "worker",
    "sender",
  ];
  const rows = figures.map(
    ({ customers, load: { eventsPerSecond, ackMs, failed, unanswered }, events, cpuMs }) => [
      customers === 1 ? "of one customer" : `of ${figure(customers)} customers`,
      figure(eventsPerSecond),
      ...[ackMs.p50, ackMs.p95, ackMs.p99, ackMs.max].map((ms) => figure(ms, 1)),
      figure(failed),
      figure(unanswered),
      figure(events?.eventsPerSecond ?? 0),
      ...[cpuMs.api, cpuMs.postgres, cpuMs.worker, cpuMs.sender].map((ms) =>
        ms === null ? "" : figure(ms, 2),
      ),
    ],
  );
  console.log(figureTable(head, rows));
  for (const { load, events, differences, customers } of figures) {
    for (const failure of [load.failure, events?.failure ?? null])
      if (failure !== null) console.log(`WRONG: a request was answered with\n${failure}`);
    if (differences > 0) console.log(`WRONG: ${differences} of ${customers} accounts do not add up`);
  }
}
