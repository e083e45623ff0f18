import { expect } from "vitest";
import { runChecks } from "../../src/audit/index.ts";
import {
  add,
  formatDecimal,
  type Period,
  parseDecimal,
  present,
  type Rational,
  ZERO,
} from "../../src/kernel/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { closeMonth } from "../../src/settlement/index.ts";
import { startTestMetering, type TestMetering } from "../support/metering.ts";
import { usageEvent } from "../support/usage.ts";

export const CURRENCIES = ["USD", "JPY", "KWD", "ISK"];
const MODELS = ["ada/llm", "lin/fine", "lin/image"];
export const CUSTOMERS = ["acme", "globex", "initech"];

/** Amounts so odd that no sum of them is a whole nano. */
const AMOUNTS = ["0.000000000123", "0.3333", "0.0109", "1.7"];

/** Every customer in every currency ("acme-JPY"), and every model priced in each of them. */
export function startInvoiceBooks(): Promise<TestMetering> {
  return startTestMetering({
    payees: ["ada", "lin"].map((id) => ({ id, name: id, country: "US", default_currency: "USD" })),
    customers: CUSTOMERS.flatMap((customer) =>
      CURRENCIES.map((currency) => ({ id: `${customer}-${currency}`, name: `=${customer}`, currency })),
    ),
    models: MODELS.map((id) => ({
      id,
      payee: id.split("/")[0],
      ...(id === "lin/fine" ? { base_model: "ada/llm" } : {}),
    })),
    prices: MODELS.flatMap((model, m) =>
      CURRENCIES.map((currency, c) => ({
        model,
        currency,
        effective_from: "2020-01-01T00:00:00Z",
        components: [
          { meter: "input_tokens", amount: AMOUNTS[(m + c) % AMOUNTS.length], per: "1000" },
          { meter: "predict_seconds", amount: "0.000975", per: "1" },
          ...(m === 2 ? [{ meter: "frames", amount: "0.013", per: "10" }] : []),
        ],
      })),
    ),
  });
}

export interface Use {
  customer: number;
  currency: number;
  model: number;
  tokens: number;
  micros: number;
  day: number;
  /** 0 for the month it is booked in, 1 for the one before: late usage. */
  late: number;
}

/** Meters the usage of a month that is open. */
export async function use(
  books: TestMetering,
  month: string,
  before: string,
  uses: readonly Use[],
  name: string,
) {
  const events = uses.map((one, n) =>
    usageEvent({
      id: `${name}-${n}`,
      customer: `${CUSTOMERS[one.customer]}-${CURRENCIES[one.currency]}`,
      model: present(MODELS[one.model], "a model"),
      time: `${one.late === 1 ? before : month}-${String(one.day).padStart(2, "0")}T12:00:00Z`,
      metrics: { input_token_count: one.tokens, predict_time: one.micros / 1e6, frames: one.tokens % 7 },
    }),
  );
  await books.apply(0, [events]);
}

export async function close(sql: Sql, month: Period): Promise<void> {
  await closeMonth(sql, month, { graceSeconds: 0, catchUp: async () => {} });
}

/** By currency: what creators' lines came to, and what customers were asked for with what is still carried. Exact. */
export async function bothSides(sql: Sql, month: Period) {
  const rows = await sql<{ currency: string; creators: string; customers: string }[]>`
    SELECT currency, coalesce(creators, 0)::text AS creators, coalesce(customers, 0)::text AS customers
    FROM (SELECT currency, sum(gross) AS creators FROM accrual_line WHERE booked_period <= ${`${month}-01`} GROUP BY 1) a
    FULL JOIN (SELECT currency, sum(amount_nanos) * 0.000000001
                 + (SELECT sum(carried_out) FROM invoice last WHERE last.currency = i.currency AND last.period =
                     (SELECT max(period) FROM invoice n WHERE n.customer = last.customer AND n.currency = last.currency)) AS customers
               FROM invoice i GROUP BY 1) c USING (currency)`;
  const exact = (side: "creators" | "customers") =>
    Object.fromEntries(rows.map((row) => [row.currency, canonical(row[side])]));
  return { creators: exact("creators"), customers: exact("customers") };
}

export function canonical(decimal: string): string {
  return formatDecimal(exactly(decimal));
}

export function exactly(decimal: string): Rational {
  return present(parseDecimal(decimal), "a decimal");
}

export function sumOf(decimals: readonly string[]): Rational {
  return decimals.map(exactly).reduce(add, ZERO);
}

const NOT_OF_INVOICES = /log|cursor|partition/;

/** Everything that verify proves, but for the usage log, which these books do without. */
export async function expectBooksToHold(sql: Sql): Promise<void> {
  const broken = (await runChecks(sql)).filter(
    ({ law, differences }) => differences.length > 0 && !NOT_OF_INVOICES.test(law),
  );
  expect(broken).toEqual([]);
}
