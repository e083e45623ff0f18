import type { SettlementFigures } from "../settlement.ts";
import { figure, figureTable } from "./figures.ts";

const MEBIBYTE = 2 ** 20;

/** A column for each number of payees. */
export function printSettlement(runs: readonly SettlementFigures[]): void {
  const row = (what: string, of: (run: SettlementFigures) => number | null, digits = 0) => [
    what,
    ...runs.map((run) => {
      const value = of(run);
      return value === null ? "" : figure(value, digits);
    }),
  ];
  const steps = runs[0]?.steps.map(({ step }) => step) ?? [];
  console.log(
    figureTable(
      ["settlement: payees", ...runs.map(({ payees }) => figure(payees))],
      [
        row("models", (run) => run.models),
        row("usage windows", (run) => run.windows),
        row("journal entries", (run) => run.journalEntries),
        row("payouts planned", (run) => run.payouts),
        row("close and plan, s", (run) => run.seconds, 1),
        ...steps.map((step) => row(`  ${step}`, (run) => secondsOf(run, step), 1)),
        row("  ms for each payee", (run) => (run.seconds / run.payees) * 1000, 2),
        row("CPU s: this process", (run) => run.cpuSeconds.settling, 1),
        row("  PostgreSQL", (run) => run.cpuSeconds.postgres, 1),
        row("memory it grew by, MiB", (run) => run.memoryBytes / MEBIBYTE),
      ],
    ),
  );
  const differences = runs.flatMap((run) => run.differences);
  for (const difference of differences) console.log(`WRONG: ${difference}`);
  if (differences.length === 0)
    console.log("Every line, entry, balance, statement and receivable is what the windows say.");
}

function secondsOf(run: SettlementFigures, step: string): number | null {
  return run.steps.find((each) => each.step === step)?.seconds ?? null;
}
