import { formatInstant } from "../kernel/index.ts";
import { type Catalog, type Version, versionAt } from "./catalog.ts";
import { sameContent } from "./versions.ts";

/** Usage of the subject must have been metered up to before `changes_from` only, or the change is refused. */
export interface Guard {
  /** `split`, `customer`, or `price:` and its currency: what metering keeps the extent of. */
  kind: string;
  subject: string;
  changes_from: string;
}

interface Touched {
  customers: Iterable<string>;
  prices: Iterable<{ model: string; currency: string }>;
  models: Iterable<string>;
}

/** Every moment from which usage that is metered already would be priced, split or charged otherwise. */
export function planGuards(before: Catalog, after: Catalog, touched: Touched): Guard[] {
  const guards: Guard[] = [];
  for (const id of new Set(touched.customers)) {
    const [was, is] = [before, after].map((catalog) => catalog.customers.get(id)?.versions ?? []);
    guards.push(...guardChanges("customer", id, was ?? [], is ?? []));
  }
  for (const key of new Set([...touched.prices].map(({ model, currency }) => `${currency} ${model}`))) {
    const [currency = "", id = ""] = key.split(" ");
    const [was, is] = [before, after].map(
      (catalog) => catalog.models.get(id)?.pricesByCurrency.get(currency) ?? [],
    );
    guards.push(...guardChanges(`price:${currency}`, id, was ?? [], is ?? []));
  }
  for (const id of touched.models) {
    const [was, is] = [before, after].map((catalog) => catalog.models.get(id)?.segments ?? []);
    guards.push(...guardChanges("split", id, was ?? [], is ?? []));
  }
  return guards;
}

/** For each earlier version, the first moment in it at which something else holds now. */
function guardChanges<V extends Version>(
  kind: string,
  subject: string,
  before: readonly V[],
  after: readonly V[],
): Guard[] {
  return before.flatMap((version, index) => {
    const until = before[index + 1]?.effectiveFrom;
    const inside = after.filter(
      ({ effectiveFrom: at }) => at > version.effectiveFrom && (until === undefined || at < until),
    );
    const holds = versionAt(after, version.effectiveFrom);
    const changed =
      holds === undefined || !sameContent(holds, version)
        ? version
        : inside.find((other) => !sameContent(other, version));
    return changed === undefined
      ? []
      : [{ kind, subject, changes_from: formatInstant(changed.effectiveFrom) }];
  });
}
