import type { InvoicesFigures } from "../invoices.ts";
import { figure, figureTable } from "./figures.ts";

const HEAD = ["invoices", "made in s", "pushed when killed", "after s", "the rest in s", "invoices/s"];

export function printInvoices(figures: InvoicesFigures): void {
  const { invoices, makeSeconds, pushedBeforeKill, killedAfterSeconds, restSeconds, invoicesPerSecond } =
    figures;
  const row = [
    figure(invoices),
    figure(makeSeconds, 1),
    figure(pushedBeforeKill),
    figure(killedAfterSeconds, 1),
    figure(restSeconds, 1),
    figure(invoicesPerSecond, 1),
  ];
  console.log(figureTable(HEAD, [row]));
  for (const difference of figures.differences.slice(0, 10)) console.log(`WRONG: ${difference}`);
}
