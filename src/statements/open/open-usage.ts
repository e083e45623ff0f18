import { setImmediate as othersHadTheirTurn } from "node:timers/promises";
import type { Sql } from "../../postgres/index.ts";
import type { LineFilter } from "../lines/usage-pieces.ts";
import { OpenLine, type Window } from "./open-line.ts";
import { type OpenTerm, Terms } from "./terms.ts";
import { BUILT_IN, windowsSince } from "./windows-since.ts";

/** Of what is kept, in windows. */
const OWN_SIZE = 50;
/** Then others have their turn: all at once those of a large payee took a tenth of a second. */
const WINDOWS_AT_ONCE = 4_000;

/**
 * What was used of lines that pay a payee and are booked from a period on, brought up to date by reading only what was
 * booked since the last time. Nobody may change what it gives.
 */
export class OpenUsage {
  readonly #payee: string;
  readonly #from: string;
  readonly #lines = new Map<string, OpenLine>();
  readonly #terms = new Terms();
  #snapshot: string | null = null;
  #windows = 0;
  #reading: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(payee: string, from: string) {
    this.#payee = payee;
    this.#from = from;
  }

  /** What it keeps: windows, and something for itself. */
  get size(): number {
    return OWN_SIZE + this.#windows;
  }

  /** Then everything is in that was committed before the call. Who asks while it is being read waits for the reading after, together. */
  upToDate(sql: Sql): Promise<void> {
    this.#next ??= this.#reading
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        this.#reading = this.#read(sql);
        return this.#reading;
      });
    return this.#next;
  }

  lines({ monthsFrom, monthsUntil, currency, model }: LineFilter): OpenLine[] {
    return [...this.#lines.values()].filter(
      (line) =>
        (monthsFrom === undefined || line.month >= monthsFrom) &&
        (monthsUntil === undefined || line.month < monthsUntil) &&
        (currency === undefined || line.currency === currency) &&
        (model === undefined || line.model === model),
    );
  }

  /** As long as it is the same, so is what these lines say. */
  revision(filter: LineFilter): number {
    return this.lines(filter).reduce((last, { revision }) => Math.max(last, revision), 0);
  }

  async #read(sql: Sql): Promise<void> {
    const { snapshot, windows, others } = await windowsSince(sql, this.#payee, this.#from, this.#snapshot);
    const lines = linesOf(windows);
    await this.#terms.know(
      sql,
      lines.map((line) => Number.parseInt(line, 10)),
    );
    const read = new Map<string, Read>();
    for (const [n, line] of lines.entries()) {
      if (n % WINDOWS_AT_ONCE === WINDOWS_AT_ONCE - 1) await othersHadTheirTurn();
      const [no = "", day = "", events = "", ...quantities] = line.split(" ");
      const { window, term } = this.#readOf(read, no, day);
      window.events += BigInt(events);
      for (const [at, meter] of BUILT_IN.entries()) add(window, term, meter, quantities[at] ?? "0");
    }
    for (const line of linesOf(others)) {
      const [no = "", day = "", meter = "", quantity = "0"] = line.split(" ");
      const { window, term } = this.#readOf(read, no, day);
      add(window, term, meter, quantity);
    }
    // Nobody has any of the first reading before it is done; of the others nobody may see a half.
    const first = this.#snapshot === null;
    for (const [n, { term, day, window }] of [...read.values()].entries()) {
      if (first && n % WINDOWS_AT_ONCE === WINDOWS_AT_ONCE - 1) await othersHadTheirTurn();
      if (this.#lineOf(term, `${day.slice(0, 7)}-01`).set(term, day, window)) this.#windows++;
    }
    this.#snapshot = snapshot;
  }

  /** What partitions have of one term and day is one window. */
  #readOf(read: Map<string, Read>, no: string, day: string): Read {
    const name = `${no} ${day}`;
    const known = read.get(name);
    if (known !== undefined) return known;
    const window = { weight: 0n, cost: 0n, events: 0n };
    const made = { term: this.#terms.get(Number(no)), day, window };
    read.set(name, made);
    return made;
  }

  #lineOf(term: OpenTerm, month: string): OpenLine {
    const name = `${term.bookedPeriod} ${term.model} ${term.planNo} ${term.price.currency} ${month}`;
    const line = this.#lines.get(name) ?? new OpenLine(term, month);
    this.#lines.set(name, line);
    return line;
  }
}

interface Read {
  term: OpenTerm;
  day: string;
  window: Window;
}

const linesOf = (text: string | null) => text?.split("\n") ?? [];

function add(window: Window, { price, costMeter }: OpenTerm, meter: string, quantity: string): void {
  if (quantity === "0") return;
  const unit = price.units.get(meter);
  if (unit !== undefined) window.weight += BigInt(quantity) * unit;
  if (meter === costMeter) window.cost += BigInt(quantity);
}
