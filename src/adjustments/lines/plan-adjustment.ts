import { add, formatDecimal, type Nanos, type Rational, ZERO } from "../../kernel/index.ts";
import { type LineNow, lineKey, type ModelsNow, type UsageCell } from "./closed-usage.ts";
import { type LinePart, type LineState, planLineAdjustment } from "./line-targets.ts";

/** By how much a cell's refunded or corrected amount changes: exact, in major units. */
export interface CellChange {
  cell: UsageCell;
  refunded: Rational;
  rerated: Rational;
}

export interface PlannedPart extends LinePart {
  service_month: string;
  model_no: number;
  split_plan_no: number;
}

export interface AdjustmentPlan {
  changes: CellChange[];
  parts: PlannedPart[];
  seen: ModelsNow["seen"];
}

/** What changes of usage, and a new owner of it, change for everybody: pure, from the lines as they are now. */
export function planAdjustment(
  { lines, seen }: ModelsNow,
  changes: readonly CellChange[],
  reattributed?: { from: string; to: string },
): AdjustmentPlan {
  const byLine = new Map<string, { refunded: Rational; rerated: Rational }>();
  for (const { cell, refunded, rerated } of changes) {
    const known = byLine.get(lineKey(cell)) ?? { refunded: ZERO, rerated: ZERO };
    byLine.set(lineKey(cell), {
      refunded: add(known.refunded, refunded),
      rerated: add(known.rerated, rerated),
    });
  }
  const parts = lines.flatMap(({ line, state }: LineNow) => {
    const change = byLine.get(lineKey(line));
    if (change === undefined && reattributed === undefined) return [];
    const after: LineState = {
      refunded: add(state.refunded, change?.refunded ?? ZERO),
      rerated: add(state.rerated, change?.rerated ?? ZERO),
      reattributions:
        reattributed === undefined ? state.reattributions : [...state.reattributions, reattributed],
    };
    const { service_month, model_no, split_plan_no } = line;
    return planLineAdjustment(line, state, after).map((part) => ({
      ...part,
      service_month,
      model_no,
      split_plan_no,
    }));
  });
  return { changes: [...changes], parts, seen };
}

/** What each payee gives (less than nothing) or gets of it. */
export function byPayee({ parts }: AdjustmentPlan): Map<string, Nanos> {
  const sums = new Map<string, Nanos>();
  for (const { payee, amountNanos } of parts)
    if (payee !== null) sums.set(payee, (sums.get(payee) ?? 0n) + amountNanos);
  return sums;
}

/** As post_adjustment() takes it. */
export function planAsJson({ changes, parts, seen }: AdjustmentPlan) {
  return {
    seen,
    cells: changes.map(({ cell, refunded, rerated }) => ({
      customer_no: cell.customer_no,
      service_month: cell.service_month,
      model_no: cell.model_no,
      meter_no: cell.meter_no,
      price_no: cell.price_no,
      split_plan_no: cell.split_plan_no,
      refunded: formatDecimal(refunded),
      rerated: formatDecimal(rerated),
    })),
    parts: parts.map(({ amountNanos, ...part }) => ({ ...part, amount: amountNanos.toString() })),
  };
}
