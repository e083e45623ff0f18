import { type Catalog, type Draft, type Resplit, resplitsOf } from "../catalog/index.ts";
import { firstDay, type Instant, nextPeriod, type Period, parseInstant, present } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import { isBuiltInMeter, meterScale, type PriceComponent, type PriceTerms } from "../pricing/index.ts";
import { planCost, planHash, planPayees, redirectPlan, type SplitPlan } from "../sharing/index.ts";
import type { ChargedUsage } from "./split-lines.ts";
import { type Decided, eventsOf, type StoredPrice, type StoredUsage } from "./stored-usage.ts";

const DAY_MICROS = 86_400_000_000n;

interface Drafting {
  catalog: Catalog;
  drafted: Catalog;
  draft: Draft;
  period: Period;
  /** Collects why the figures may differ from what posting the draft would have given. */
  notes: Set<string>;
}

/** The usage as the draft would have charged, priced and split it. */
export async function draftedUsage(
  sql: Sql,
  drafting: Drafting,
  stored: readonly StoredUsage[],
  decided: Decided,
): Promise<ChargedUsage[]> {
  const { draft, period } = drafting;
  const own = stored.filter((row) => row.model === draft.model);
  const replayed = needsEvents(draft, own, decided)
    ? await eventsOf(sql, draft.model, period, limitsByPrice(draft, decided))
    : own;
  const usage = [...stored.filter((row) => row.model !== draft.model), ...replayed];
  const planFor = planChooser(drafting, decided);
  return usage.flatMap((row) => {
    const price = present(decided.prices.get(row.price_no), "the price of usage");
    const terms = row.model === draft.model ? repriced(draft, price) : undefined;
    const charged =
      terms === undefined ? row.charged : terms.charge_statuses.some((status) => status === row.status);
    return charged ? [{ ...row, price: terms ?? price, plan: planFor(row) }] : [];
  });
}

/** The draft's price, where it takes the place of this one: usage in other currencies keeps its own. */
function repriced({ price }: Draft, stored: StoredPrice): PriceTerms | undefined {
  return price?.currency === stored.currency ? price : undefined;
}

/** Chooses the plan that splits usage under the draft, by the plan that splits it now and the day. */
function planChooser({ catalog, drafted, draft, period, notes }: Drafting, decided: Decided) {
  if (draft.policy === undefined) return (row: StoredUsage) => decided.plans.get(row.split_plan_no);
  const linked = linkedPayees(catalog);
  const resplits = new Map<string, Resplit[]>();
  const chosen = new Map<string, SplitPlan>();
  return (row: StoredUsage): SplitPlan => {
    const key = `${row.model} ${row.split_plan_no} ${row.day}`;
    const known = chosen.get(key);
    if (known !== undefined) return known;
    const ofModel = resplits.get(row.model) ?? resplitsOf(catalog, drafted, row.model, ...boundsOf(period));
    resplits.set(row.model, ofModel);
    const { redirect, ...plan } = present(decided.plans.get(row.split_plan_no), "the split plan of usage");
    const next = planOfDay(ofModel, row, plan, notes);
    const payees = planPayees(next);
    for (const payee of payees) {
      if (redirect === undefined && linked.has(payee) && !planPayees(plan).includes(payee)) {
        notes.add(
          `${payee} would get a part of ${row.model} and is linked to a customer: usage of that customer is split here as if it were not`,
        );
      }
    }
    const result = redirect !== undefined && payees.includes(redirect) ? redirectPlan(next, redirect) : next;
    chosen.set(key, result);
    return result;
  };
}

function planOfDay(
  resplits: readonly Resplit[],
  { model, day }: StoredUsage,
  plan: SplitPlan,
  notes: Set<string>,
): SplitPlan {
  const start = present(parseInstant(`${day}T00:00:00Z`), "a day");
  const hash = planHash(plan);
  const found = resplits.filter(
    ({ from, until, before }) => before === hash && from < start + DAY_MICROS && until > start,
  );
  if (new Set(found.map(({ after }) => planHash(after))).size > 1) {
    notes.add(
      `what ${model} was made from changed on ${day}: all of that day is split here as it would have been at its end`,
    );
  }
  return present(found.at(-1), "a plan that splits this usage now").after;
}

function boundsOf(period: Period): [Instant, Instant] {
  const start = (month: Period) => present(parseInstant(`${firstDay(month)}T00:00:00Z`), "a month's start");
  return [start(period), start(nextPeriod(period))];
}

function linkedPayees(catalog: Catalog): Set<string> {
  const versions = [...catalog.customers.values()].flatMap((customer) => customer.versions);
  return new Set(versions.flatMap(({ payee }) => payee ?? []));
}

/** Windows hold what their own price's limits left, and only meters that it or the cost step named. */
function needsEvents(draft: Draft, own: readonly StoredUsage[], decided: Decided): boolean {
  const cost = draft.policy?.find((step) => step.take === "cost")?.meter;
  return own.some((row) => {
    const price = present(decided.prices.get(row.price_no), "the price of usage");
    const plan = present(decided.plans.get(row.split_plan_no), "the split plan of usage");
    const kept = [planCost(plan)?.meter, ...price.components.map(({ meter }) => meter)];
    const wanted = [cost, ...(draft.price?.components ?? []).map(({ meter }) => meter)];
    const unknown = wanted.some(
      (meter) => meter !== undefined && !isBuiltInMeter(meter) && !kept.includes(meter),
    );
    const terms = repriced(draft, price);
    return unknown || (terms !== undefined && limitsDiffer(price.components, terms.components));
  });
}

function limitsDiffer(one: readonly PriceComponent[], other: readonly PriceComponent[]): boolean {
  const [a, b] = [limitsOf(one), limitsOf(other)];
  return [...a.keys(), ...b.keys()].some((meter) => a.get(meter) !== b.get(meter));
}

/** The limits per event that would have held, for usage under each of the prices that did. */
function limitsByPrice(draft: Draft, decided: Decided): Map<number, Map<string, bigint>> {
  return new Map(
    [...decided.prices].map(([no, price]) => [no, limitsOf((repriced(draft, price) ?? price).components)]),
  );
}

/** The most that one event is charged for, at the meter's scale. */
function limitsOf(components: readonly PriceComponent[]): Map<string, bigint> {
  return new Map(
    components.flatMap(({ meter, max_per_event: most }) =>
      most === undefined ? [] : [[meter, BigInt(most) * 10n ** BigInt(meterScale(meter))]],
    ),
  );
}
