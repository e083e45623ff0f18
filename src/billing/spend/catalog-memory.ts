import { type Instant, type Nanos, now, overPowerOfTen } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";

/** What the catalogue says of a customer and a model, in one of its versions. */
export interface Terms {
  /** The catalogue's version. */
  catalog: string;
  /** Undefined when there is no such customer now. */
  customer: { no: number; currency: string } | undefined;
  /** The model's prices of now, one for each currency. */
  prices: readonly Price[];
}

export interface Price {
  currency: string;
  /** What one unit at the meter's scale costs, over `den`, in major units; and how many of one event are charged at most. */
  components: readonly { meter: string; unit: bigint; most: bigint | null }[];
  den: bigint;
}

interface Dated {
  from: Instant;
  until: Instant;
}
interface KnownCustomer {
  no: number;
  currencies: (Dated & { currency: string })[];
}
type KnownModel = (Dated & Price)[];

/** Some hundred bytes each. */
const KNOWN_MAX = 20_000;

/**
 * Customers and models as they were last read, so that a question need not read them: a dozen rows each time. It is for the
 * question's answer to say that the catalogue has another version by now; then `forget` it, and read again.
 */
export class CatalogMemory {
  readonly #sql: Sql;
  readonly #customers = new Map<string, KnownCustomer>();
  readonly #models = new Map<string, KnownModel>();
  #version = "";

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** From memory; undefined when one of them is not there. `model` undefined: no prices are wanted. */
  recall(customer: string, model: string | undefined): Terms | undefined {
    const known = this.#customers.get(customer);
    const prices = model === undefined ? [] : this.#models.get(model);
    return known === undefined || prices === undefined ? undefined : termsOf(this.#version, known, prices);
  }

  /** As they are in the database now. */
  async read(customer: string, model: string | undefined): Promise<Terms> {
    const { version, known, prices } = await readCatalog(this.#sql, customer, model);
    // What is remembered is of one version, the newest that was seen.
    if (BigInt(version) > BigInt(this.#version)) this.forget(this.#version);
    if (this.#version === "") this.#version = version;
    if (this.#version === version) {
      if (known !== undefined) remember(this.#customers, customer, known);
      if (model !== undefined && prices.length > 0) remember(this.#models, model, prices);
    }
    return termsOf(version, known, prices);
  }

  /** What is of this version is not believed any more. */
  forget(version: string): void {
    if (version !== this.#version) return;
    this.#customers.clear();
    this.#models.clear();
    this.#version = "";
  }
}

function remember<T>(known: Map<string, T>, name: string, value: T): void {
  const [oldest] = known.keys();
  if (oldest !== undefined && known.size >= KNOWN_MAX) known.delete(oldest);
  known.set(name, value);
}

function termsOf(catalog: string, known: KnownCustomer | undefined, prices: KnownModel): Terms {
  const at = now();
  const inForce = ({ from, until }: Dated) => from <= at && at < until;
  const version = known?.currencies.find(inForce);
  const customer =
    known === undefined || version === undefined ? undefined : { no: known.no, currency: version.currency };
  return { catalog, customer, prices: prices.filter(inForce) };
}

interface CatalogRow {
  version: string;
  customer_no: number | null;
  currencies: { currency: string; from: string; until: string }[] | null;
  prices:
    | {
        currency: string;
        from: string;
        until: string;
        components: { meter: string; unit: string; most: string | null }[];
      }[]
    | null;
}

/** In one statement: all of it is of the version that stands beside it. */
async function readCatalog(sql: Sql, customer: string, model: string | undefined) {
  const [row] = await sql<[CatalogRow]>`
    SELECT s.version, c.customer_no,
      (SELECT jsonb_agg(jsonb_build_object('currency', v.currency, 'from', epoch_micros(v.effective_from)::text,
          'until', epoch_micros(v.effective_until)::text))
        FROM customer_version v WHERE v.customer_no = c.customer_no) AS currencies,
      (SELECT jsonb_agg(jsonb_build_object('currency', r.currency, 'from', r.since::text, 'until', r.until::text, 'components',
          (SELECT coalesce(jsonb_agg(jsonb_build_object('meter', m.name, 'unit', p.unit_amount::text, 'most', p.max_per_event::text)), '[]')
            FROM price_component p JOIN meter m USING (meter_no) WHERE p.price_no = r.price_no)))
        FROM rate_segment r JOIN model o USING (model_no) WHERE o.id = ${model ?? null} AND r.until > ${now().toString()}) AS prices
    FROM catalog_state s LEFT JOIN customer c ON c.id = ${customer}`;
  const known: KnownCustomer | undefined =
    row.customer_no === null
      ? undefined
      : { no: row.customer_no, currencies: (row.currencies ?? []).map((one) => ({ ...one, ...dated(one) })) };
  const prices = (row.prices ?? []).map(({ currency, components, ...times }) => {
    const { nums, den } = overPowerOfTen(components.map(({ unit }) => unit));
    const priced = components.map(({ meter, most }, n) => ({
      meter,
      unit: nums[n] ?? 0n,
      most: most === null ? null : BigInt(most),
    }));
    return { currency, components: priced, den, ...dated(times) };
  });
  return { version: row.version, known, prices };
}

const dated = ({ from, until }: { from: string; until: string }): Dated => ({
  from: BigInt(from),
  until: BigInt(until),
});

const NANOS = 1_000_000_000n;

/** What these quantities (at their meters' scales) cost, rounded up to a nano. */
export function estimateNanos({ components, den }: Price, quantities: ReadonlyMap<string, bigint>): Nanos {
  let gross = 0n;
  for (const { meter, unit, most } of components) {
    const quantity = quantities.get(meter) ?? 0n;
    gross += unit * (most !== null && quantity > most ? most : quantity);
  }
  return ((gross * NANOS + den - 1n) / den) as Nanos;
}
