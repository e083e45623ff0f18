import type { Sql } from "../../postgres/index.ts";

/** Of all databases and payees of this process together: some hundred bytes each. */
const ROWS_MAX = 100_000;

interface Kept {
  stamp: string;
  /** None while they are being summed. */
  rows: number;
  figures: Promise<unknown>;
}

/** What was asked for longest ago goes first. */
const kept = new Map<string, Kept>();
let keptRows = 0;

/**
 * Figures that stay the same as long as their stamp does (`momentOf`): those that were summed under this name and stamp
 * before, over connections of the same scope, or summed now. Who asks while they are being summed waits for them. Nobody may change
 * what it is given. `sum` is told what was kept under the stamp before.
 */
export function keptFigures<T>(
  sql: Sql,
  name: readonly unknown[],
  stamp: string | null,
  sum: (before?: Promise<T>) => Promise<T>,
  rowsOf: (figures: T) => number,
): Promise<T> {
  if (stamp === null) return sum();
  const key = JSON.stringify([sql.scope, ...name]);
  const known = kept.get(key);
  if (known !== undefined) kept.delete(key);
  if (known?.stamp === stamp) {
    kept.set(key, known);
    return known.figures as Promise<T>;
  }
  keptRows -= known?.rows ?? 0;
  const figures = sum(known?.figures as Promise<T> | undefined);
  const own: Kept = { stamp, rows: 0, figures };
  kept.set(key, own);
  figures.then(
    (summed) => {
      if (kept.get(key) !== own) return;
      own.rows = 1 + rowsOf(summed);
      keptRows += own.rows;
      forgetOldest();
    },
    () => {
      if (kept.get(key) === own) kept.delete(key);
    },
  );
  return figures;
}

function forgetOldest(): void {
  for (const [key, { rows }] of kept) {
    if (keptRows <= ROWS_MAX) return;
    kept.delete(key);
    keptRows -= rows;
  }
}
