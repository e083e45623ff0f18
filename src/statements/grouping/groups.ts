import type { Nanos } from "../../kernel/index.ts";
import { allotter } from "../../sharing/index.ts";
import type { PayeeLine, Place } from "../lines/payee-lines.ts";
import { weekOf } from "./service-range.ts";

export const EARNINGS_DIMENSIONS = [
  "model",
  "day",
  "week",
  "month",
  "source",
  "reason",
  "customer_country",
  "customer_group",
  "version",
] as const;
export type EarningsDimension = (typeof EARNINGS_DIMENSIONS)[number];

/** What tells one group from another: the dimensions asked for, and always the reason. */
export interface GroupKey {
  /** Null for an adjustment that is of no model. */
  model?: string | null;
  day?: string;
  week?: string;
  month?: string;
  version?: string | null;
  customer_country?: string | null;
  customer_group?: string;
  /** The model whose step or shares paid it: the model that ran, or one of its bases. Null for adjustments. */
  source?: string | null;
  reason: string;
}

/** A group's figures, exact in nanos. */
export interface Group {
  readonly key: GroupKey;
  events: bigint;
  gross: Nanos;
  royalties: Nanos;
  shares: Nanos;
  earned: Nanos;
}

export interface Grouping {
  /** Service days, "2023-11-01", half-open. */
  from?: string;
  to?: string;
  groupBy: readonly EarningsDimension[];
  /** Nothing else is summed then but what was earned: the rest stays zero. */
  earnedOnly?: boolean;
}

type GroupedPlace = Place & { source: string };

/** Sums figures by what was asked for. Groups of customers are known to it as the countries that they are made of. */
export class Groups {
  readonly #groups = new Map<string, Group>();
  readonly #query: Grouping;

  constructor(query: Grouping) {
    this.#query = query;
  }

  get size(): number {
    return this.#groups.size;
  }

  addLine(line: PayeeLine): void {
    const spread = allotter(line.rows.map((row) => row.weight));
    // The payee's own parts are among the royalties and shares: what is alike is allotted alike.
    const known = new Map<Nanos, Nanos[]>();
    const allotted = (part: Nanos): Nanos[] => {
      const nanos = known.get(part) ?? spread(part);
      known.set(part, nanos);
      return nanos;
    };
    // Each part is allotted by itself, as the books know it.
    const together = (parts: readonly Nanos[]): Nanos[] => {
      const [first = [], ...rest] = parts.map(allotted);
      return rest.length === 0
        ? first
        : first.map((nanos, at) => rest.reduce((sum, more) => sum + (more[at] ?? 0n), nanos));
    };
    const { from, to, groupBy, earnedOnly = false } = this.#query;
    const gross = earnedOnly ? [] : allotted(line.receivableNanos);
    const royalties = earnedOnly ? [] : together(line.royaltyNanos);
    const shares = earnedOnly ? [] : together(line.shareNanos);
    const bySource = groupBy.includes("source");
    const kinds = new Map(
      line.parts.map((part) => [bySource ? `${part.reason} ${part.source}` : part.reason, part]),
    );
    for (const { reason, source } of kinds.values()) {
      const own = line.parts.filter(
        (part) => part.reason === reason && (!bySource || part.source === source),
      );
      const earned = together(own.map((part) => part.amountNanos));
      for (const [at, row] of line.rows.entries()) {
        if ((from !== undefined && row.day < from) || (to !== undefined && row.day >= to)) continue;
        const group = this.#groupFor(line.model, reason, { ...row, source });
        group.events += row.events;
        group.gross += gross[at] ?? 0n;
        group.royalties += royalties[at] ?? 0n;
        group.shares += shares[at] ?? 0n;
        group.earned += earned[at] ?? 0n;
      }
    }
  }

  addAdjustment(model: string | null, day: string, earned: Nanos): void {
    this.#groupFor(model, "adjustment", { day, version: "", country: "", source: "" }).earned += earned;
  }

  /** What others summed for the same question. */
  addAll(others: Groups): void {
    for (const [name, more] of others.#groups) {
      const known = this.#groups.get(name);
      if (known === undefined) this.#groups.set(name, { ...more });
      else addTo(known, more);
    }
  }

  /** The groups, with other keys: those that have the same one then are one. */
  renamed(named: (key: GroupKey) => GroupKey): Group[] {
    const groups = new Map<string, Group>();
    for (const group of this.#groups.values()) {
      const key = named(group.key);
      const name = JSON.stringify(Object.values(key));
      const known = groups.get(name);
      if (known === undefined) groups.set(name, { ...group, key });
      else addTo(known, group);
    }
    return [...groups.values()];
  }

  all(): Group[] {
    return [...this.#groups.values()];
  }

  #groupFor(model: string | null, reason: string, place: GroupedPlace): Group {
    const { groupBy } = this.#query;
    // A key is made once a group, its name for each row. No text in the database has a zero byte.
    let name = reason;
    for (const dimension of groupBy) name += `\0${placeIn(dimension, model, place)}`;
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const group = emptyGroup(keyOf(model, reason, place, groupBy));
    this.#groups.set(name, group);
    return group;
  }
}

function addTo(group: Group, { events, gross, royalties, shares, earned }: Group): void {
  group.events += events;
  group.gross += gross;
  group.royalties += royalties;
  group.shares += shares;
  group.earned += earned;
}

function emptyGroup(key: GroupKey): Group {
  return { key, events: 0n, gross: 0n, royalties: 0n, shares: 0n, earned: 0n };
}

function placeIn(dimension: EarningsDimension, model: string | null, place: GroupedPlace): string {
  switch (dimension) {
    case "model":
      return model ?? "";
    case "day":
      return place.day;
    case "week":
      return weekOf(place.day);
    case "month":
      return place.day.slice(0, 7);
    case "version":
      return place.version;
    case "customer_country":
    case "customer_group":
      return place.country;
    case "source":
      return place.source;
    case "reason":
      return "";
  }
}

function keyOf(
  model: string | null,
  reason: string,
  place: GroupedPlace,
  groupBy: readonly EarningsDimension[],
): GroupKey {
  return {
    ...(groupBy.includes("model") ? { model } : {}),
    ...(groupBy.includes("day") ? { day: place.day } : {}),
    ...(groupBy.includes("week") ? { week: weekOf(place.day) } : {}),
    ...(groupBy.includes("month") ? { month: place.day.slice(0, 7) } : {}),
    ...(groupBy.includes("version") ? { version: place.version || null } : {}),
    ...(groupBy.includes("customer_country") ? { customer_country: place.country || null } : {}),
    ...(groupBy.includes("customer_group") ? { customer_group: place.country } : {}),
    ...(groupBy.includes("source") ? { source: place.source || null } : {}),
    reason,
  };
}
