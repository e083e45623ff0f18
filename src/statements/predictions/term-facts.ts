import { multiply, parseDecimal, present, type Rational, rational } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { type SplitPlan, splitGross } from "../../sharing/index.ts";

/** Forgotten together when there are more: each has a split plan. */
const REMEMBERED_MAX = 20_000;

/** What was decided about all events of a term. */
export interface TermFacts {
  model: string;
  version: string;
  status: string;
  country: string;
  charged: boolean;
  currency: string;
  bookedPeriod: string;
  prices: MeterPrice[];
}

export interface MeterPrice {
  meter: string;
  amount: string;
  per: string;
  /** Major units for one unit at the meter's scale. */
  unit: Rational;
  /** At the meter's scale. */
  maxPerEvent: bigint | null;
}

/** A payee's parts of a line, each for one unit of the line's gross: floored one by one, as the books do. */
export interface LineParts {
  ofGross: Rational[];
  /** Some of it is a share in the very model that ran. */
  creator: boolean;
}

/** Reads terms and lines once for all predictions of them; of a line that still grows, what it was when it was first asked for. */
export class PredictionFacts {
  readonly #sql: Sql;
  readonly #payee: string | null;
  readonly #terms = new Map<number, TermFacts & { plan: SplitPlan; owner: string | null }>();
  readonly #lines = new Map<string, LineParts>();

  constructor(sql: Sql, payee: string | null) {
    this.#sql = sql;
    this.#payee = payee;
  }

  /** To be called before `term` is asked for one of them. */
  async learnTerms(termNos: readonly number[]): Promise<void> {
    if (this.#terms.size > REMEMBERED_MAX) this.#terms.clear();
    const unknown = [...new Set(termNos)].filter((termNo) => !this.#terms.has(termNo));
    if (unknown.length === 0) return;
    const rows = await this.#sql<TermRow[]>`
      SELECT t.term_no, m.id AS model, v.version, t.status, t.country, t.charged, p.currency,
        to_char(t.booked_period, 'YYYY-MM') AS booked_period, plan.content AS plan,
        (SELECT y.id FROM model_lineage l JOIN payee y USING (payee_no) WHERE l.model_no = t.model_no
         ORDER BY l.effective_from DESC LIMIT 1) AS owner,
        coalesce((SELECT jsonb_agg(jsonb_build_object('meter', x.name, 'amount', c.amount, 'per', c.per,
            'unit', c.unit_amount::text, 'max', c.max_per_event::text) ORDER BY x.meter_no)
          FROM price_component c JOIN meter x USING (meter_no) WHERE c.price_no = t.price_no), '[]') AS prices
      FROM usage_term t JOIN model m USING (model_no) JOIN model_version v USING (model_version_no)
      JOIN price_version p USING (price_no) JOIN split_plan plan USING (split_plan_no)
      WHERE t.term_no = ANY (${unknown}::int[])`;
    for (const { term_no, charged, booked_period, prices, ...row } of rows)
      this.#terms.set(term_no, {
        ...row,
        charged: charged === 1,
        bookedPeriod: booked_period,
        prices: prices.map(({ unit, max, ...price }) => ({
          ...price,
          unit: present(parseDecimal(unit), "a decimal"),
          maxPerEvent: max === null ? null : BigInt(max),
        })),
      });
  }

  term(termNo: number): TermFacts {
    return present(this.#terms.get(termNo), "a term that was read");
  }

  /** Whether a payee asks, so that its parts are known. */
  get forPayee(): boolean {
    return this.#payee !== null;
  }

  /** The payee's model now, whoever had it when it ran. */
  owns(termNo: number): boolean {
    return this.#payee !== null && this.#terms.get(termNo)?.owner === this.#payee;
  }

  /** To be called before `parts` is asked for one of them. Each is a term and a month in which it was used ("2023-11-01"). */
  async learnLines(lines: readonly TermMonth[]): Promise<void> {
    if (this.#payee === null) return;
    if (this.#lines.size > REMEMBERED_MAX) this.#lines.clear();
    const unknown = lines.filter((line) => !this.#lines.has(nameOf(line)));
    if (unknown.length === 0) return;
    const rows = await this.#sql<{ term_no: number; month: string; gross: string; cost_quantity: string }[]>`
      SELECT k.term_no, k.month, u.gross::text, u.cost_quantity::text
      FROM unnest(${unknown.map(({ termNo }) => termNo)}::int[], ${unknown.map(({ month }) => month)}::text[]) AS k(term_no, month)
      JOIN usage_term t USING (term_no) JOIN price_version p USING (price_no)
      CROSS JOIN LATERAL (
        SELECT gross, cost_quantity FROM usage_line l
        WHERE l.booked_period = t.booked_period AND l.model_no = t.model_no AND l.split_plan_no = t.split_plan_no
          AND l.currency = p.currency AND l.service_month = k.month::date
        -- Or all lines would be summed, and these sought among them.
        OFFSET 0) u`;
    for (const { term_no: termNo, month, gross, cost_quantity } of rows)
      this.#lines.set(
        nameOf({ termNo, month }),
        this.#partsOf(termNo, present(parseDecimal(gross), "a decimal"), BigInt(cost_quantity)),
      );
  }

  /** Empty where nothing of the term was charged. */
  parts(line: TermMonth): LineParts {
    return this.#lines.get(nameOf(line)) ?? { ofGross: [], creator: false };
  }

  #partsOf(termNo: number, gross: Rational, costQuantity: bigint): LineParts {
    const { plan, model } = present(this.#terms.get(termNo), "a term that was read");
    if (gross.num === 0n) return { ofGross: [], creator: false };
    const own = splitGross(plan, gross, costQuantity).parts.filter(({ payee }) => payee === this.#payee);
    return {
      ofGross: own.map(({ exact }) => multiply(exact, rational(gross.den, gross.num))),
      creator: own.some((part) => part.reason === "share" && part.model === model),
    };
  }
}

export interface TermMonth {
  termNo: number;
  month: string;
}

const nameOf = ({ termNo, month }: TermMonth): string => `${termNo} ${month}`;

interface TermRow extends Omit<TermFacts, "charged" | "bookedPeriod" | "prices"> {
  term_no: number;
  charged: number;
  booked_period: string;
  plan: SplitPlan;
  owner: string | null;
  prices: { meter: string; amount: string; per: string; unit: string; max: string | null }[];
}
