import type { DDSketch } from "@datadog/sketches-js";
import { add, parseDecimal, present, type Rational, ZERO } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { addEarned } from "./earned.ts";
import { feedbackGiven, grossOf, usageOf } from "./figures.ts";
import { latencySketches } from "./latency.ts";

/** What is known of one version on one day and one hardware; cells add up. */
export interface Cell {
  version: string;
  day: string;
  /** Empty where it is not told, and when it was not asked for. */
  hardware: string;
  by_status: Record<string, number>;
  predict_micros: number;
  input_tokens: number;
  output_tokens: number;
  sketches: DDSketch[];
  up: number;
  down: number;
  /** Exact, by currency. */
  gross: Map<string, Rational>;
  earned: Map<string, Rational>;
}

/** Of which model, service days (half-open), and whose earnings. */
export interface InsightQuery {
  model: string;
  from: string;
  to: string;
  /** Null: nobody's earnings are shown. */
  payee: string | null;
  /** Whether what ran on different hardware is told apart. */
  byHardware?: boolean;
}

/** By version and day: usage and gross from the windows, times from the sketches, feedback by the day it was given. */
export async function readCells(sql: Sql, query: InsightQuery): Promise<Cell[]> {
  const cells = new Map<string, Cell>();
  const cell = ({ version, day, hardware }: Pick<Cell, "version" | "day" | "hardware">): Cell => {
    const ranOn = query.byHardware ? hardware : "";
    const name = `${day} ${version}\0${ranOn}`;
    const known = cells.get(name) ?? emptyCell(version, day, ranOn);
    cells.set(name, known);
    return known;
  };
  const [usage, gross, sketches, feedback] = await Promise.all([
    usageOf(sql, query),
    grossOf(sql, query),
    latencySketches(sql, query.model, query),
    feedbackGiven(sql, query),
  ]);
  for (const { status, events, ...row } of usage) {
    const one = cell(row);
    one.by_status[status] = (one.by_status[status] ?? 0) + Number(events);
    one.predict_micros += Number(row.predict_micros);
    one.input_tokens += Number(row.input_tokens);
    one.output_tokens += Number(row.output_tokens);
  }
  for (const { currency, gross: owed, ...row } of gross)
    addTo(cell(row).gross, currency, present(parseDecimal(owed), "a decimal"));
  for (const { sketch, ...row } of sketches) cell(row).sketches.push(sketch);
  for (const { up, down, ...row } of feedback) {
    const one = cell(row);
    one.up += up;
    one.down += down;
  }
  await addEarned(sql, query, [...cells.values()], cell);
  return [...cells.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

export function emptyCell(version: string, day: string, hardware = ""): Cell {
  return {
    ...{ version, day, hardware, by_status: {}, predict_micros: 0, input_tokens: 0, output_tokens: 0 },
    ...{ sketches: [], up: 0, down: 0, gross: new Map(), earned: new Map() },
  };
}

/** Adds one cell to another. */
export function addCell(sum: Cell, cell: Cell): void {
  for (const [status, events] of Object.entries(cell.by_status))
    sum.by_status[status] = (sum.by_status[status] ?? 0) + events;
  for (const what of ["predict_micros", "input_tokens", "output_tokens", "up", "down"] as const)
    sum[what] += cell[what];
  sum.sketches.push(...cell.sketches);
  for (const what of ["gross", "earned"] as const)
    for (const [currency, amount] of cell[what]) addTo(sum[what], currency, amount);
}

export function addTo(sums: Map<string, Rational>, currency: string, amount: Rational): void {
  sums.set(currency, add(sums.get(currency) ?? ZERO, amount));
}
