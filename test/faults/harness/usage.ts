import { present } from "../../../src/kernel/index.ts";
import type { OracleCatalog } from "../../oracle/index.ts";
import { type GeneratedMonth, generateMonth, type MonthEvent } from "../../stories/generated-month.ts";

const EVENTS_PER_ROUND = 5_000;

export interface Usage {
  /** The body of POST /v1/catalog/import; the oracle reads the same. */
  catalog: OracleCatalog;
  payees: string[];
  /** Uniform in [0, 1), drawn from the seed. */
  random: () => number;
  /** The next events: always new ones, mixed with some that were sent before. They never run out. */
  take(count: number): MonthEvent[];
}

/** Models with waterfalls, lineages and customers, and a month of their usage, all drawn from a seed. */
export async function generateUsage(seed: number): Promise<Usage> {
  const month = await generateMonth(seed, EVENTS_PER_ROUND);
  let at = 0;
  const next = (): MonthEvent => {
    const round = Math.floor(at / month.sent.length);
    const event = present(month.sent[at % month.sent.length], "an event");
    at += 1;
    // The same event of another source is another event.
    return round === 0 ? event : { ...event, source: `${event.source}/round-${round}` };
  };
  return {
    catalog: catalogOf(month),
    payees: month.payees,
    random: month.random,
    take: (count) => Array.from({ length: count }, next),
  };
}

function catalogOf(month: GeneratedMonth) {
  const effective_from = "2023-01-01T00:00:00Z";
  return {
    payees: month.payees.map((id) => ({ id, name: id, country: "US", default_currency: "USD" })),
    models: month.models.map(({ id, payee, base }) => ({ id, payee, base_model: base })),
    customers: month.customers.map((customer) => ({ ...customer, name: customer.id, currency: "USD" })),
    policies: month.models.flatMap(({ id, steps }) =>
      steps === null ? [] : [{ model: id, effective_from, steps }],
    ),
    prices: month.models.map(({ id, chargeStatuses, components }) => ({
      model: id,
      currency: "USD",
      effective_from,
      charge_statuses: chargeStatuses,
      components,
    })),
  };
}
