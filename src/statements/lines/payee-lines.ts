import { type Nanos, overPowerOfTen, rational } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { type Split, splitGross } from "../../sharing/index.ts";
import {
  type LineDetail,
  type LineFilter,
  type LinePieces,
  type Piece,
  piecesOf,
  usagePieces,
} from "./usage-pieces.ts";

/** Where a piece of usage belongs; what it is not cut by is empty. */
export interface Place {
  /** Of whole lines: the first of their month. */
  day: string;
  version: string;
  country: string;
}

/** A piece of a line's usage, as fine as was asked for. */
export interface UsageRow extends Place {
  events: bigint;
  /** In proportion to the row's gross; the same unit for all rows of a line. */
  weight: bigint;
}

/** A line in which a payee has a part, split on its whole cumulative gross. */
export interface PayeeLine {
  bookedPeriod: string;
  model: string;
  currency: string;
  receivableNanos: Nanos;
  /** The payee's own. The source of a part is the model whose step or shares paid it: the model that ran, or one of its bases. */
  parts: { reason: string; source: string; amountNanos: Nanos }[];
  /** Every royalty and every share of the line, whoever gets it. */
  royaltyNanos: Nanos[];
  shareNanos: Nanos[];
  /** In the order of allotment: day, version, country. */
  rows: readonly UsageRow[];
}

/** The lines booked before a period that pay a payee, from their windows: of released months, whose windows stay as they are. */
export async function payeeLines(
  sql: Sql,
  payee: string,
  before: string,
  filter: LineFilter,
  detail: LineDetail,
): Promise<PayeeLine[]> {
  const lines = await usagePieces(sql, payee, before, filter, detail);
  if (detail !== "row") return lines.map((line) => splitLine(payee, line, piecesOf(line)));
  const cut = lines.map((line) => ({ line, pieces: piecesOf(line) }));
  const named = await versionNames(sql, [
    ...new Set(cut.flatMap(({ pieces }) => pieces.map((piece) => piece.version))),
  ]);
  return cut.map(({ line, pieces }) =>
    splitLine(
      payee,
      line,
      pieces.map((piece) => ({ ...piece, version: named.get(piece.version) ?? "" })),
    ),
  );
}

async function versionNames(sql: Sql, numbers: string[]): Promise<Map<string, string>> {
  const rows = await sql<{ no: string; version: string }[]>`
    SELECT model_version_no::text AS no, version FROM model_version WHERE model_version_no = ANY (${numbers}::int[])`;
  return new Map(rows.map(({ no, version }) => [no, version]));
}

function splitLine(payee: string, line: LinePieces, pieces: Piece[]): PayeeLine {
  pieces.sort(byPlace);
  const weights = overPowerOfTen(pieces.map((piece) => piece.gross));
  const gross = rational(
    weights.nums.reduce((total, num) => total + num, 0n),
    weights.den,
  );
  const split = splitGross(line.plan, gross, BigInt(line.cost_quantity));
  const rows = pieces.map(({ day, version, country, events }, at) => ({
    day,
    version,
    country,
    events: BigInt(events),
    weight: weights.nums[at] ?? 0n,
  }));
  return payeeLine(payee, { ...line, bookedPeriod: line.booked_period }, split, rows);
}

/** A line as it was split, with what of it is the payee's. */
export function payeeLine(
  payee: string,
  { bookedPeriod, model, currency }: Pick<PayeeLine, "bookedPeriod" | "model" | "currency">,
  { parts, receivableNanos }: Split,
  rows: PayeeLine["rows"],
): PayeeLine {
  const amountsOf = (wanted: string) =>
    parts.filter(({ reason }) => reason === wanted).map(({ amountNanos }) => amountNanos);
  return {
    bookedPeriod,
    model,
    currency,
    receivableNanos,
    parts: parts
      .filter((part) => part.payee === payee)
      .map(({ reason, model: source, amountNanos }) => ({ reason, source, amountNanos })),
    royaltyNanos: amountsOf("royalty"),
    shareNanos: amountsOf("share"),
    rows,
  };
}

/** The order in which parts are allotted. */
export function byPlace(a: Place, b: Place): number {
  return compareText(a.day, b.day) || compareText(a.version, b.version) || compareText(a.country, b.country);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
