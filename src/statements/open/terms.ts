import { present } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { planCost, type SplitPlan } from "../../sharing/index.ts";

/** A price as one number for each meter. */
export interface UnitPrice {
  currency: string;
  /** Decimal places of the amounts. */
  scale: number;
  /** Of one unit at the meter's scale; what it does not name costs nothing. */
  units: ReadonlyMap<string, bigint>;
}

/** What was decided for usage. None of it ever changes. */
export interface OpenTerm {
  no: number;
  bookedPeriod: string;
  model: string;
  version: string;
  country: string;
  price: UnitPrice;
  planNo: number;
  plan: SplitPlan;
  /** What its plan's cost step counts. */
  costMeter: string | undefined;
}

/** Terms by their numbers, each read once. */
export class Terms {
  readonly #terms = new Map<number, OpenTerm>();
  readonly #prices = new Map<number, UnitPrice>();
  readonly #plans = new Map<number, SplitPlan>();

  /** @throws Error for one that `know` was not told of */
  get(no: number): OpenTerm {
    return present(this.#terms.get(no), "a term");
  }

  async know(sql: Sql, numbers: Iterable<number>): Promise<void> {
    const unknown = [...new Set(numbers)].filter((no) => !this.#terms.has(no));
    if (unknown.length === 0) return;
    const rows = await sql<TermRow[]>`
      SELECT t.term_no, t.booked_period::text, m.id AS model, v.version, t.country, t.price_no, t.split_plan_no
      FROM usage_term t JOIN model m USING (model_no) JOIN model_version v USING (model_version_no)
      WHERE t.term_no = ANY (${unknown})`;
    await Promise.all([
      this.#readPrices(
        sql,
        rows.map((row) => row.price_no),
      ),
      this.#readPlans(
        sql,
        rows.map((row) => row.split_plan_no),
      ),
    ]);
    for (const {
      term_no: no,
      booked_period: bookedPeriod,
      price_no,
      split_plan_no: planNo,
      ...facts
    } of rows) {
      const price = present(this.#prices.get(price_no), "a term's price");
      const plan = present(this.#plans.get(planNo), "a term's plan");
      this.#terms.set(no, {
        no,
        bookedPeriod,
        ...facts,
        price,
        planNo,
        plan,
        costMeter: planCost(plan)?.meter,
      });
    }
  }

  async #readPrices(sql: Sql, numbers: number[]): Promise<void> {
    const unknown = numbers.filter((no) => !this.#prices.has(no));
    const rows = await sql<PriceRow[]>`
      SELECT v.price_no, v.currency, coalesce(max(scale(c.unit_amount)), 0) AS scale,
        array_remove(array_agg(m.name), NULL) AS meters,
        array_remove(array_agg((c.unit_amount)::text), NULL) AS amounts
      FROM price_version v LEFT JOIN price_component c USING (price_no) LEFT JOIN meter m USING (meter_no)
      WHERE v.price_no = ANY (${[...new Set(unknown)]}) GROUP BY 1, 2`;
    for (const { price_no, currency, scale, meters, amounts } of rows) {
      const units = new Map(meters.map((meter, at) => [meter, inUnits(amounts[at] ?? "0", scale)]));
      this.#prices.set(price_no, { currency, scale, units });
    }
  }

  async #readPlans(sql: Sql, numbers: number[]): Promise<void> {
    const unknown = numbers.filter((no) => !this.#plans.has(no));
    const rows = await sql<{ split_plan_no: number; content: SplitPlan }[]>`
      SELECT split_plan_no, content FROM split_plan WHERE split_plan_no = ANY (${[...new Set(unknown)]})`;
    for (const { split_plan_no, content } of rows) this.#plans.set(split_plan_no, content);
  }
}

interface TermRow {
  term_no: number;
  booked_period: string;
  model: string;
  version: string;
  country: string;
  price_no: number;
  split_plan_no: number;
}

interface PriceRow {
  price_no: number;
  currency: string;
  scale: number;
  meters: string[];
  amounts: string[];
}

/** A plain decimal as so many units of 10^-scale. */
function inUnits(text: string, scale: number): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(scale, "0"));
}
