import { type Catalog, type Draft, modelsOfDraft, withDraft } from "../catalog/index.ts";
import { type Money, money, type Nanos, now, type Period } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import { draftedUsage } from "./drafted-usage.ts";
import { type SplitLine, splitLines } from "./split-lines.ts";
import { decidedFor, windowsOf } from "./stored-usage.ts";

const MODELS_AT_ONCE = 100;

export interface Compared {
  currency: string;
  now: Money;
  drafted: Money;
  difference: Money;
}

export interface Preview {
  model: string;
  /** The service month. */
  period: Period;
  /** Whether posting the draft before the month and metering the same usage would give these very figures. */
  exact: boolean;
  /** Why not, each with what is left out. */
  notes: string[];
  /** With usage that the draft would have priced or split: the model, and what was made from it. */
  models: string[];
  /** What customers owe for the draft's model. */
  gross: Compared[];
  /** What everybody earns of these models, and would have. */
  payees: ({ payee: string } & Compared)[];
  platform: Compared[];
}

/**
 * What everybody would have earned in a month, had the draft held for all of it, against what they earn. The true split
 * on the usage that is stored; nothing is written.
 * @throws Refusal for a draft that could not be posted.
 */
export async function previewDraft(
  sql: Sql,
  catalog: Catalog,
  draft: Draft,
  period: Period,
): Promise<Preview> {
  const drafted = withDraft(catalog, draft, now());
  const models = modelsOfDraft(catalog, draft);
  const sums = new Sums(draft.model);
  const notes = new Set<string>();
  const used = new Set<string>();
  for (let at = 0; at < models.length; at += MODELS_AT_ONCE) {
    const stored = await windowsOf(sql, models.slice(at, at + MODELS_AT_ONCE), period);
    const decided = await decidedFor(sql, stored);
    const drafts = await draftedUsage(sql, { catalog, drafted, draft, period, notes }, stored, decided);
    for (const row of stored) used.add(row.model);
    sums.add("now", splitLines(usageAsDecided(stored, decided)));
    sums.add("drafted", splitLines(drafts));
  }
  return {
    model: draft.model,
    period,
    exact: notes.size === 0,
    notes: [...notes],
    models: [...used].sort(),
    ...sums.compared(),
  };
}

function usageAsDecided(
  stored: Awaited<ReturnType<typeof windowsOf>>,
  decided: Awaited<ReturnType<typeof decidedFor>>,
) {
  return stored
    .filter((row) => row.charged)
    .map((row) => ({
      ...row,
      price: decided.prices.get(row.price_no),
      plan: decided.plans.get(row.split_plan_no),
    }));
}

type Side = "now" | "drafted";

/** Both sides of every figure, by party and currency. */
class Sums {
  readonly #model: string;
  readonly #gross = new Map<string, Record<Side, Nanos>>();
  readonly #earned = new Map<string, Record<Side, Nanos>>();

  constructor(model: string) {
    this.#model = model;
  }

  add(side: Side, lines: readonly SplitLine[]): void {
    for (const { model, currency, split } of lines) {
      if (model === this.#model) count(this.#gross, currency, side, split.receivableNanos);
      for (const part of split.parts)
        count(this.#earned, `${currency} ${part.payee ?? ""}`, side, part.amountNanos);
    }
  }

  compared(): Pick<Preview, "gross" | "payees" | "platform"> {
    const parties = [...this.#earned]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, sides]) => ({ payee: key.slice(4), ...compare(key.slice(0, 3), sides) }));
    return {
      gross: [...this.#gross].map(([currency, sides]) => compare(currency, sides)),
      payees: parties.filter(({ payee }) => payee !== ""),
      platform: parties.filter(({ payee }) => payee === "").map(({ payee: _, ...sides }) => sides),
    };
  }
}

function count(sums: Map<string, Record<Side, Nanos>>, key: string, side: Side, amount: Nanos): void {
  const sides = sums.get(key) ?? { now: 0n, drafted: 0n };
  sides[side] += amount;
  sums.set(key, sides);
}

function compare(currency: string, sides: Record<Side, Nanos>): Compared {
  return {
    currency,
    now: money(currency, sides.now),
    drafted: money(currency, sides.drafted),
    difference: money(currency, sides.drafted - sides.now),
  };
}
