import { type Nanos, present, rational } from "../../kernel/index.ts";
import { type Split, type SplitPlan, splitGross } from "../../sharing/index.ts";
import { type Grouping, Groups } from "../grouping/groups.ts";
import { type PayeeLine, type Place, payeeLine } from "../lines/payee-lines.ts";
import type { LineDetail } from "../lines/usage-pieces.ts";
import { Pieces } from "./pieces.ts";
import type { OpenTerm } from "./terms.ts";

/** Of one question; finer ones are summed from the pieces each time. */
const GROUPS_KEPT_MAX = 64;
const QUESTIONS_KEPT_MAX = 12;

/** What was charged on one day under one term. */
export interface Window {
  /** Its gross, in units of its price's scale. */
  weight: bigint;
  /** Of the plan's cost meter. */
  cost: bigint;
  events: bigint;
}

/** Of all lines of this process. */
let lastRevision = 0;

interface PlacedWindow extends Window {
  term: OpenTerm;
  day: string;
}

const dayOf = ({ day }: PlacedWindow): Place => ({ day, version: "", country: "" });
const rowOf = ({ day, term }: PlacedWindow): Place => ({ day, version: term.version, country: term.country });

/**
 * A line that is still being added to: its windows as they were last read, and their sums. A window that is read again takes
 * the place of what it was, in integers, so that it does not matter how often and in what order they are read.
 */
export class OpenLine {
  readonly bookedPeriod: string;
  /** The first day of its service month. */
  readonly month: string;
  readonly model: string;
  readonly currency: string;
  /** Another one after each change, that no line had before. */
  revision = 0;
  readonly #plan: SplitPlan;
  readonly #windows = new Map<string, PlacedWindow>();
  /** By day, and to the finest row: from the first question on that needs them. Of most lines nobody asks for either. */
  #days: Pieces | undefined;
  #rows: Pieces | undefined;
  /** Decimal places of the weights, which are gross in major units. */
  #scale = 0;
  #weight = 0n;
  #cost = 0n;
  #events = 0n;
  #split: Split | undefined;
  readonly #groups = new Map<string, Groups>();

  constructor({ bookedPeriod, model, price, plan }: OpenTerm, month: string) {
    this.bookedPeriod = bookedPeriod;
    this.month = month;
    this.model = model;
    this.currency = price.currency;
    this.#plan = plan;
  }

  /** Takes a window as it is now; true when there was none before of that term and day. */
  set(term: OpenTerm, day: string, window: Window): boolean {
    const name = `${term.no} ${day}`;
    // First its unit: that of what is known may become a smaller one by it.
    if (term.price.scale > this.#scale) this.#rescale(term.price.scale);
    const weighed = window.weight * 10n ** BigInt(this.#scale - term.price.scale);
    const now = { term, day, weight: weighed, cost: window.cost, events: window.events };
    const known = this.#windows.get(name);
    const weight = now.weight - (known?.weight ?? 0n);
    const events = now.events - (known?.events ?? 0n);
    this.#windows.set(name, now);
    lastRevision += 1;
    this.revision = lastRevision;
    this.#weight += weight;
    this.#cost += now.cost - (known?.cost ?? 0n);
    this.#events += events;
    this.#days?.add(dayOf(now), events, weight);
    this.#rows?.add(rowOf(now), events, weight);
    this.#split = undefined;
    this.#groups.clear();
    return known === undefined;
  }

  /** The payee's own part of it, for whatever reason. */
  earned(payee: string): Nanos {
    return this.#splitNow()
      .parts.filter((part) => part.payee === payee)
      .reduce((sum, part) => sum + part.amountNanos, 0n);
  }

  /** Its figures in groups: the same ones until its usage changes. */
  groups(payee: string, question: string, query: Grouping, detail: LineDetail): Groups {
    const known = this.#groups.get(question);
    if (known !== undefined) return known;
    const groups = new Groups(query);
    groups.addLine(payeeLine(payee, this, this.#splitNow(), this.#rowsOf(detail)));
    if (groups.size <= GROUPS_KEPT_MAX) {
      if (this.#groups.size >= QUESTIONS_KEPT_MAX)
        this.#groups.delete(present(this.#groups.keys().next().value, "a question"));
      this.#groups.set(question, groups);
    }
    return groups;
  }

  #splitNow(): Split {
    this.#split ??= splitGross(this.#plan, rational(this.#weight, 10n ** BigInt(this.#scale)), this.#cost);
    return this.#split;
  }

  #rowsOf(detail: LineDetail): PayeeLine["rows"] {
    if (detail === "row") {
      this.#rows ??= this.#cut(rowOf);
      return this.#rows.rows();
    }
    if (detail === "day") {
      this.#days ??= this.#cut(dayOf);
      return this.#days.rows();
    }
    return [{ day: this.month, version: "", country: "", events: this.#events, weight: this.#weight }];
  }

  #cut(placeOf: (window: PlacedWindow) => Place): Pieces {
    const pieces = new Pieces();
    for (const window of this.#windows.values()) pieces.add(placeOf(window), window.events, window.weight);
    return pieces;
  }

  #rescale(places: number): void {
    const by = 10n ** BigInt(places - this.#scale);
    for (const window of this.#windows.values()) window.weight *= by;
    this.#days?.multiply(by);
    this.#rows?.multiply(by);
    this.#weight *= by;
    this.#scale = places;
  }
}
