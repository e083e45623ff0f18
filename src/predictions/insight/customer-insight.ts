import {
  type Money,
  money,
  multiply,
  parseDecimal,
  present,
  type Rational,
  roundToNanos,
  ZERO,
} from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { creditedShares, nameOfTerm } from "../../statements/index.ts";
import { addTo } from "./cells.ts";
import {
  type CustomerPlace,
  type CustomerUsageQuery,
  feedbackBy,
  owedFor,
  usedOn,
} from "./customer-usage.ts";
import { type Latency, latencyOf } from "./latency.ts";
import { addSketchBytes, type Bins, sketchOf } from "./stored-sketch.ts";
import { type Rate, successRate } from "./success-rate.ts";

export const CUSTOMER_DIMENSIONS = ["customer", "model", "version", "day", "hardware"] as const;
export type CustomerDimension = (typeof CUSTOMER_DIMENSIONS)[number];

export interface CustomerInsightQuery extends CustomerUsageQuery {
  groupBy: readonly CustomerDimension[];
  /** Whether it is told what payees earn of it: not to customers. */
  earned: boolean;
}

/** What a customer used; quantities as reported. Only the dimensions asked for are there. */
export interface CustomerInsightRow {
  customer?: string;
  model?: string;
  version?: string | null;
  day?: string;
  /** Null where it is not told, or not summed yet. */
  hardware?: string | null;
  predictions: number;
  by_status: Record<string, number>;
  success_rate: Rate | null;
  /** Null until a minute or so after the events, and where no predict_time was metered. */
  latency: Latency | null;
  predict_seconds: number;
  input_tokens: number;
  output_tokens: number;
  /** Null when either was not metered. */
  output_tokens_per_second: number | null;
  feedback: { up: number; down: number; ratio: Rate | null };
  /** What is owed for it, one a currency. */
  gross: Money[];
  /** What all payees together earn of it, before adjustments; null where that is not told. */
  earned: Money[] | null;
}

export async function customerInsight(sql: Sql, query: CustomerInsightQuery): Promise<CustomerInsightRow[]> {
  const [usage, owed, feedback] = await Promise.all([
    usedOn(sql, query),
    owedFor(sql, query),
    feedbackBy(sql, query),
  ]);
  const shares = query.earned ? await creditedShares(sql, termsOf(owed)) : new Map<string, Rational>();
  const groups = new Map<string, Group>();
  const groupOf = (of: CustomerPlace): Group => {
    const key = Object.fromEntries(query.groupBy.map((name) => [name, of[name]]));
    const name = JSON.stringify(Object.values(key));
    const known = groups.get(name) ?? emptyGroup(key);
    groups.set(name, known);
    return known;
  };
  for (const { status, events, micros, input, output, sketches, ...of } of usage) {
    const group = groupOf(of);
    group.by_status[status] = (group.by_status[status] ?? 0) + events;
    group.micros += Number(micros);
    group.input += Number(input);
    group.output += Number(output);
    if (sketches !== null) addSketchBytes(group.bins, sketches);
  }
  for (const { currency, gross, termNo, month, ...of } of owed) {
    const group = groupOf(of);
    const amount = present(parseDecimal(gross), "a decimal");
    addTo(group.gross, currency, amount);
    addTo(group.earned, currency, multiply(amount, shares.get(nameOfTerm({ termNo, month })) ?? ZERO));
  }
  for (const { up, down, ...of } of feedback) {
    const group = groupOf(of);
    group.up += up;
    group.down += down;
  }
  return [...groups.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]) => ({ ...rowOf(group), earned: query.earned ? amounts(group.earned) : null }));
}

interface Group {
  key: Partial<CustomerPlace>;
  by_status: Record<string, number>;
  micros: number;
  input: number;
  output: number;
  bins: Bins;
  up: number;
  down: number;
  /** Exact, by currency. */
  gross: Map<string, Rational>;
  earned: Map<string, Rational>;
}

function emptyGroup(key: Group["key"]): Group {
  return {
    ...{ key, by_status: {}, micros: 0, input: 0, output: 0, bins: new Map(), up: 0, down: 0 },
    ...{ gross: new Map(), earned: new Map() },
  };
}

/** Each once. */
function termsOf(owed: Awaited<ReturnType<typeof owedFor>>) {
  return [
    ...new Map(owed.map((one) => [nameOfTerm(one), { termNo: one.termNo, month: one.month }])).values(),
  ];
}

function rowOf({ key, by_status, micros, input, output, bins, up, down, gross }: Group) {
  const { succeeded = 0, failed = 0, aborted = 0 } = by_status;
  const seconds = micros / 1e6;
  return {
    ...key,
    ...(key.version === undefined ? {} : { version: key.version || null }),
    ...(key.hardware === undefined ? {} : { hardware: key.hardware || null }),
    predictions: Object.values(by_status).reduce((sum, events) => sum + events, 0),
    by_status,
    success_rate: successRate(succeeded, succeeded + failed + aborted),
    latency: latencyOf(sketchOf(bins)),
    predict_seconds: seconds,
    input_tokens: input,
    output_tokens: output,
    output_tokens_per_second: seconds > 0 && output > 0 ? output / seconds : null,
    feedback: { up, down, ratio: successRate(up, up + down) },
    gross: amounts(gross),
  };
}

function amounts(sums: ReadonlyMap<string, Rational>): Money[] {
  return [...sums].sort().map(([currency, amount]) => money(currency, roundToNanos(amount)));
}
