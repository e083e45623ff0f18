import { Catalogue, microsOf, type Plan } from "./in-force.ts";
import { decimalsOf, measure } from "./quantities.ts";
import type { OracleCatalog, OracleEvent, OraclePrice } from "./shapes.ts";

/** Gross is summed in units of 10^-36: amounts have 12 decimals, `per` 18 zeros, meters 6 decimals at most. */
export const GROSS_DECIMALS = 36;

export interface LineRow {
  day: string;
  version: string;
  country: string;
  gross: bigint;
}

/** Usage that is split together, before it is. */
export interface UsageLine {
  bookedPeriod: string;
  serviceMonth: string;
  model: string;
  currency: string;
  plan: Plan;
  linkedPayee: string | null;
  costQuantity: bigint;
  events: number;
  rows: Map<string, LineRow>;
}

export interface Counts {
  /** Charged, so in a line. */
  charged: number;
  /** Known and metered, but its status is not charged. */
  uncharged: number;
  /** Its identity was there before: duplicates and conflicts. */
  repeated: number;
  /** Its metrics are refused. */
  refused: number;
  /** Customer, model or price are not known at its time. */
  waiting: number;
}

export interface Usage {
  lines: UsageLine[];
  /** Units of 10^-36 by "customer currency". */
  customers: Map<string, bigint>;
  counts: Counts;
}

const DEFAULT_STATUSES = ["succeeded", "canceled"];

/** Books events, in order of acceptance, into lines. `closedAt` tells which months were closed when an event was accepted. */
export function bookUsage(
  catalog: OracleCatalog,
  events: readonly OracleEvent[],
  closedAt: (index: number) => ReadonlySet<string>,
): Usage {
  const catalogue = new Catalogue(catalog);
  const seen = new Set<string>();
  const lines = new Map<string, UsageLine>();
  const customers = new Map<string, bigint>();
  const counts: Counts = { charged: 0, uncharged: 0, repeated: 0, refused: 0, waiting: 0 };
  for (const [index, event] of events.entries()) {
    const quantities = measure(event.data.metrics ?? {});
    if (quantities === undefined) {
      counts.refused++;
      continue;
    }
    const identity = JSON.stringify([event.source, event.id]);
    if (seen.has(identity)) {
      counts.repeated++;
      continue;
    }
    seen.add(identity);
    const at = microsOf(event.time);
    const customer = catalogue.customer(event.subject, at);
    const price = customer && catalogue.price(event.data.model, customer.currency, at);
    const plan = catalogue.plan(event.data.model, at);
    if (customer === undefined || price === undefined || plan === undefined || isForeign(plan, price)) {
      counts.waiting++;
      continue;
    }
    if (!(price.charge_statuses ?? DEFAULT_STATUSES).includes(event.data.status)) {
      counts.uncharged++;
      continue;
    }
    counts.charged++;
    const linkedPayee =
      customer.payee !== undefined && plan.payees.has(customer.payee) ? customer.payee : null;
    const day = new Date(Number(at / 1000n)).toISOString().slice(0, 10);
    const place = { model: event.data.model, currency: price.currency, plan, linkedPayee };
    const line = lineFor(lines, { ...place, serviceMonth: day.slice(0, 7) }, closedAt(index));
    const charged = chargedQuantities(price, quantities);
    const gross = grossOf(price, charged);
    addToRow(line, { day, version: event.data.version ?? "", country: customer.country ?? "", gross });
    line.events++;
    line.costQuantity += charged.get(costMeter(plan) ?? "") ?? 0n;
    const account = `${event.subject} ${price.currency}`;
    customers.set(account, (customers.get(account) ?? 0n) + gross);
  }
  return { lines: [...lines.values()], customers, counts };
}

function lineFor(
  lines: Map<string, UsageLine>,
  place: Pick<UsageLine, "serviceMonth" | "model" | "currency" | "plan" | "linkedPayee">,
  closed: ReadonlySet<string>,
): UsageLine {
  let bookedPeriod = place.serviceMonth;
  while (closed.has(bookedPeriod)) bookedPeriod = monthAfter(bookedPeriod);
  const { serviceMonth, model, currency, plan, linkedPayee } = place;
  const key = `${bookedPeriod} ${serviceMonth} ${model} ${currency} ${linkedPayee} ${plan.number}`;
  const line = lines.get(key) ?? { ...place, bookedPeriod, costQuantity: 0n, events: 0, rows: new Map() };
  lines.set(key, line);
  return line;
}

function monthAfter(month: string): string {
  const [year = 0, number = 0] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number, 1)).toISOString().slice(0, 7);
}

function addToRow(line: UsageLine, { gross, ...row }: LineRow): void {
  const key = `${row.day}\u0000${row.version}\u0000${row.country}`;
  line.rows.set(key, { ...row, gross: (line.rows.get(key)?.gross ?? 0n) + gross });
}

/** Of one event no more than `max_per_event` is charged. */
function chargedQuantities(price: OraclePrice, quantities: ReadonlyMap<string, bigint>): Map<string, bigint> {
  const charged = new Map(quantities);
  for (const { meter, max_per_event } of price.components) {
    const quantity = quantities.get(meter);
    if (quantity === undefined || max_per_event === undefined) continue;
    const limit = BigInt(max_per_event) * 10n ** BigInt(decimalsOf(meter));
    if (quantity > limit) charged.set(meter, limit);
  }
  return charged;
}

const unitAmounts = new Map<string, bigint>();

function grossOf(price: OraclePrice, quantities: ReadonlyMap<string, bigint>): bigint {
  let gross = 0n;
  for (const { meter, amount, per } of price.components) {
    const quantity = quantities.get(meter) ?? 0n;
    if (quantity > 0n) gross += quantity * unitAmount(meter, amount, per);
  }
  return gross;
}

/** What one unit at the meter's decimals costs, in units of 10^-36. */
function unitAmount(meter: string, amount: string, per: string): bigint {
  const key = `${meter} ${amount} ${per}`;
  const known = unitAmounts.get(key);
  if (known !== undefined) return known;
  const [whole = "", digits = ""] = amount.split(".");
  const zeros = GROSS_DECIMALS - digits.length - (per.length - 1) - decimalsOf(meter);
  const value = BigInt(whole + digits) * 10n ** BigInt(zeros);
  unitAmounts.set(key, value);
  return value;
}

function costStep(plan: Plan) {
  return plan.chain[0]?.steps.find((step) => step.take === "cost");
}

function costMeter(plan: Plan): string | undefined {
  return costStep(plan)?.meter;
}

/** A cost in one currency cannot be recovered from another: such usage waits. */
function isForeign(plan: Plan, price: OraclePrice): boolean {
  return (costStep(plan)?.currency ?? price.currency) !== price.currency;
}
