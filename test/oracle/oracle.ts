import { decimalText, fraction, nearestNanos, wholeNanos } from "./fraction.ts";
import { bookUsage, type Counts, GROSS_DECIMALS, type LineRow, type UsageLine } from "./lines.ts";
import type { OracleCatalog, OracleEvent } from "./shapes.ts";
import { type ExactPart, splitExactly } from "./waterfall.ts";

export interface OracleOptions {
  /** Closed months such as "2023-10"; a function when they differ by the event's place in the order of acceptance. */
  closed?: ReadonlySet<string> | ((index: number) => ReadonlySet<string>);
}

export interface OraclePart {
  /** Null for the platform's own parts (cost, platform, self_dealing). */
  payee: string | null;
  reason: ExactPart["reason"];
  /** The model whose step or shares paid it. */
  paidBy: string;
  nanos: bigint;
}

/** What is split together: (books period, service month, model run, split plan, currency). */
export interface OracleLine {
  bookedPeriod: string;
  serviceMonth: string;
  model: string;
  currency: string;
  /** Charged events. */
  events: number;
  /** Exact, in major units, shortest decimal text. */
  gross: string;
  /** The gross rounded half-even to a nano. */
  receivableNanos: bigint;
  parts: OraclePart[];
}

/** Keys are the named fields joined by a space. Everything is in nanos, except exact grosses, which are decimal text. */
export interface Oracle {
  /** "payee currency" → all that was earned. */
  earned: Map<string, bigint>;
  /** "payee currency period" → earned in that books period. */
  earnedByPeriod: Map<string, bigint>;
  /** "payee currency model reason" → earned; `model` is the one that was run, reason `share` or `royalty`. */
  earnedByModel: Map<string, bigint>;
  /** "payee currency day" → live earnings of that service day. */
  earnedByDay: Map<string, bigint>;
  /** "currency reason" → the platform's parts: `cost`, `platform`, `self_dealing`. */
  platform: Map<string, bigint>;
  /** "currency" → Σ receivable − Σ parts. */
  rounding: Map<string, bigint>;
  /** "customer currency" → exact gross, before any rounding. */
  customers: Map<string, string>;
  lines: OracleLine[];
  counts: Counts;
}

/**
 * What everybody earns, worked out from design.md alone, in fractions of its own: nothing of src/ is imported here.
 * `events` are in order of acceptance and may hold duplicates; the first of an identity counts.
 */
export function computeOracle(
  catalog: OracleCatalog,
  events: readonly OracleEvent[],
  options: OracleOptions = {},
): Oracle {
  const closed = options.closed ?? new Set<string>();
  const usage = bookUsage(catalog, events, typeof closed === "function" ? closed : () => closed);
  const oracle: Oracle = {
    earned: new Map(),
    earnedByPeriod: new Map(),
    earnedByModel: new Map(),
    earnedByDay: new Map(),
    platform: new Map(),
    rounding: new Map(),
    customers: new Map([...usage.customers].map(([key, gross]) => [key, decimalText(exact(gross))])),
    lines: [],
    counts: usage.counts,
  };
  for (const line of usage.lines) addLine(oracle, line);
  return oracle;
}

function exact(gross: bigint) {
  return fraction(gross, 10n ** BigInt(GROSS_DECIMALS));
}

function addLine(oracle: Oracle, usageLine: UsageLine): void {
  const { plan, costQuantity, linkedPayee, bookedPeriod, serviceMonth, model, currency, events } = usageLine;
  const rows = [...usageLine.rows.values()].sort(byDayVersionCountry);
  const units = rows.reduce((sum, row) => sum + row.gross, 0n);
  const gross = exact(units);
  const parts: OraclePart[] = [];
  let rounding = nearestNanos(gross);
  for (const { payee, reason, paidBy, amount } of splitExactly(
    plan.chain,
    gross,
    costQuantity,
    linkedPayee,
  )) {
    const nanos = wholeNanos(amount);
    parts.push({ payee, reason, paidBy, nanos });
    rounding -= nanos;
    if (payee === null) {
      sum(oracle.platform, `${currency} ${reason}`, nanos);
      continue;
    }
    sum(oracle.earned, `${payee} ${currency}`, nanos);
    sum(oracle.earnedByPeriod, `${payee} ${currency} ${bookedPeriod}`, nanos);
    sum(oracle.earnedByModel, `${payee} ${currency} ${model} ${reason}`, nanos);
    for (const [day, allotted] of allotToDays(nanos, rows, units)) {
      sum(oracle.earnedByDay, `${payee} ${currency} ${day}`, allotted);
    }
  }
  sum(oracle.rounding, currency, rounding);
  const receivableNanos = nearestNanos(gross);
  const line = { bookedPeriod, serviceMonth, model, currency, events, gross: decimalText(gross) };
  oracle.lines.push({ ...line, receivableNanos, parts });
}

/** Differences of floor(part × running gross ÷ gross), row by row; each row is of one day. */
function allotToDays(nanos: bigint, rows: readonly LineRow[], gross: bigint): Map<string, bigint> {
  const days = new Map<string, bigint>();
  let running = 0n;
  let before = 0n;
  for (const row of rows) {
    running += row.gross;
    const upToHere = (nanos * running) / gross;
    sum(days, row.day, upToHere - before);
    before = upToHere;
  }
  return days;
}

function byDayVersionCountry(a: LineRow, b: LineRow): number {
  return order(a.day, b.day) || order(a.version, b.version) || order(a.country, b.country);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sum(totals: Map<string, bigint>, key: string, nanos: bigint): void {
  totals.set(key, (totals.get(key) ?? 0n) + nanos);
}
