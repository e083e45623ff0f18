import { type Nanos, overPowerOfTen, rational } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { splitGross } from "../../sharing/index.ts";
import {
  type Booked,
  type LineDetail,
  type LineFilter,
  type LinePieces,
  type Piece,
  piecesOf,
  usagePieces,
} from "./usage-pieces.ts";

/** A piece of a line's usage, as fine as was asked for; what it is not cut by is empty. */
export interface UsageRow {
  /** Of whole lines: the first of their month. */
  day: string;
  version: string;
  country: string;
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
  rows: UsageRow[];
}

/** The lines booked in these periods that pay a payee, from committed windows: what was metered a moment ago is in. */
export async function payeeLines(
  sql: Sql,
  payee: string,
  booked: Booked,
  filter: LineFilter,
  detail: LineDetail,
): Promise<PayeeLine[]> {
  const lines = await usagePieces(sql, payee, booked, filter, detail);
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
  pieces.sort(byDayVersionCountry);
  const weights = overPowerOfTen(pieces.map((piece) => piece.gross));
  const gross = rational(
    weights.nums.reduce((total, num) => total + num, 0n),
    weights.den,
  );
  const split = splitGross(line.plan, gross, BigInt(line.cost_quantity));
  const amountsOf = (wanted: string) =>
    split.parts.filter(({ reason }) => reason === wanted).map(({ amountNanos }) => amountNanos);
  return {
    bookedPeriod: line.booked_period,
    model: line.model,
    currency: line.currency,
    receivableNanos: split.receivableNanos,
    parts: split.parts
      .filter((part) => part.payee === payee)
      .map(({ reason, model: source, amountNanos }) => ({ reason, source, amountNanos })),
    royaltyNanos: amountsOf("royalty"),
    shareNanos: amountsOf("share"),
    rows: pieces.map(({ day, version, country, events }, at) => ({
      day,
      version,
      country,
      events: BigInt(events),
      weight: weights.nums[at] ?? 0n,
    })),
  };
}

function byDayVersionCountry(a: Piece, b: Piece): number {
  return compareText(a.day, b.day) || compareText(a.version, b.version) || compareText(a.country, b.country);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
