import type { PagesFigures } from "../pages.ts";
import { figure, figureTable } from "./figures.ts";

const PAGE_MS_AIM = 1_000;
const CALL_MS_AIM = 50;

/** Every page; of the calls the slow ones, and how all of them are. */
export function printPages({ models, events, windows, settled, pages, calls }: PagesFigures): void {
  console.log(`${figure(models)} models, ${figure(events)} events of a year in ${figure(windows)} windows.`);
  console.log(
    figureTable(
      ["a settlement in the browser", "s"],
      settled.map(({ step, seconds }) => [step, figure(seconds, 1)]),
    ),
  );
  console.log(
    figureTable(
      ["page: usable after ms", "first", "p50", "p95", "max"],
      pages.map(({ who, page, firstMs, ms }) => [
        `${who} ${page}`,
        ...[firstMs, ms.p50, ms.p95, ms.max].map((value) => figure(value)),
      ]),
    ),
  );
  const slowest = [...calls].sort((a, b) => b.ms.p95 - a.ms.p95);
  console.log(
    figureTable(
      ["call: ms", "first", "p50", "p95", "bytes"],
      slowest.map(({ who, call, bytes, firstMs, ms }) => [
        `${who} ${decodeURIComponent(call)}`,
        ...[firstMs, ms.p50, ms.p95].map((value) => figure(value, 1)),
        figure(bytes),
      ]),
    ),
  );
  const latePages = pages.filter(({ ms }) => ms.p95 > PAGE_MS_AIM).length;
  const lateCalls = calls.filter(({ ms }) => ms.p95 > CALL_MS_AIM).length;
  console.log(
    `${pages.length - latePages} of ${pages.length} pages are usable within ${figure(PAGE_MS_AIM)} ms (p95); ${calls.length - lateCalls} of ${calls.length} calls answer within ${CALL_MS_AIM} ms (p95).`,
  );
}
