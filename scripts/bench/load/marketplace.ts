import { CatalogDocument, openCatalogStore } from "../../../src/catalog/index.ts";
import type { Sql } from "../../../src/postgres/index.ts";

export const MODELS_PER_PAYEE = 5;
export const WINDOWS_PER_MODEL = 40;
/** Closed long ago: its end and every grace time are over. */
export const BOOKED = "2023-11";
const COUNTRIES = ["DE", "US"];
const DAYS = WINDOWS_PER_MODEL / COUNTRIES.length;
const CUSTOMERS_OF_A_TERM = 4;
const FROM = "2023-01-01T00:00:00Z";
/** Payees in one change of the catalogue. */
const PAYEES_PER_CHANGE = 250;

const payeeId = (n: number) => `creator-${n}`;
const modelId = (n: number, k: number) => `${payeeId(n)}/model-${k}`;

/**
 * A month of a marketplace with so many payees, five models each: one by the default policy, one with two shares, one
 * fine-tune with a royalty, one with a cost step, one with a fee of its own. The catalogue goes in as operators load it;
 * the windows are written straight into their tables, with the customers' side of the same usage.
 */
export async function loadMarketplace(sql: Sql, payees: number, seed: number): Promise<void> {
  const store = openCatalogStore(sql);
  for (let from = 0; from < payees; from += PAYEES_PER_CHANGE) {
    const numbers = Array.from({ length: Math.min(PAYEES_PER_CHANGE, payees - from) }, (_, n) => from + n);
    await store.change(CatalogDocument.parse(documentOf(numbers, from)));
    if (from === 0) await sql`ANALYZE`;
  }
  await writeWindows(sql, payees, seed);
  await sql`ANALYZE`;
}

function documentOf(numbers: number[], first: number): object {
  // The neighbour in the same document: everything that is named has to be there.
  const neighbour = (n: number) => first + ((n - first + 1) % numbers.length);
  return {
    payees: numbers.map((n) => ({
      id: payeeId(n),
      name: payeeId(n),
      country: "US",
      default_currency: "USD",
      stripe_account: `acct_bench${n}`,
    })),
    customers: numbers.map((n) => ({
      id: `customer-${n}`,
      name: `customer-${n}`,
      currency: "USD",
      country: COUNTRIES[n % 2],
    })),
    models: numbers.flatMap((n) =>
      [0, 1, 2, 3, 4].map((k) => ({
        id: modelId(n, k),
        payee: payeeId(n),
        base_model: k === 2 ? modelId(neighbour(n), 0) : null,
      })),
    ),
    policies: numbers.flatMap((n) => policiesOf(n, payeeId(neighbour(n)))),
    prices: numbers.flatMap((n) => [0, 1, 2, 3, 4].map((k) => priceOf(n, k))),
  };
}

function policiesOf(n: number, neighbour: string): object[] {
  const platform = { take: "platform", percent: "20" };
  const shares = (...payees: string[]) => ({
    take: "shares",
    shares: [...new Set(payees)].map((payee, index) => ({ payee, weight: 3 - index })),
  });
  const policy = (k: number, ...steps: object[]) => ({ model: modelId(n, k), effective_from: FROM, steps });
  const cost = { take: "cost", meter: "predict_seconds", amount: "0.0006", per: "1", currency: "USD" };
  return [
    policy(1, platform, shares(payeeId(n), neighbour)),
    policy(2, platform, { take: "royalty", percent: "10" }, shares(payeeId(n))),
    policy(3, cost, platform, shares(payeeId(n))),
    policy(4, { take: "platform", percent: "12.5" }, shares(payeeId(n))),
  ];
}

function priceOf(n: number, k: number): object {
  const cents = 5 + ((n * MODELS_PER_PAYEE + k) % 90);
  const components = [
    { meter: "input_tokens", amount: (cents / 100).toFixed(2), per: "1000000" },
    { meter: "output_tokens", amount: (cents / 25).toFixed(2), per: "1000000" },
    ...(k === 3 ? [{ meter: "predict_seconds", amount: "0.000225", per: "1" }] : []),
  ];
  return { model: modelId(n, k), currency: "USD", effective_from: FROM, components };
}

async function writeWindows(sql: Sql, payees: number, seed: number): Promise<void> {
  await sql`INSERT INTO model_version (model_no, version) SELECT model_no, 'a' FROM model ORDER BY 1`;
  await sql`
    INSERT INTO usage_term (model_no, booked_period, model_version_no, status, country, price_no, split_plan_no, charged)
    SELECT r.model_no, ${`${BOOKED}-01`}::date, v.model_version_no, 'succeeded', c.country, r.price_no, r.split_plan_no, 1
    FROM rate_segment r JOIN model_version v USING (model_no) CROSS JOIN unnest(${COUNTRIES}::text[]) AS c(country)
    ORDER BY 1, 5`;
  await sql`
    INSERT INTO term_window (term_no, service_day, shard, events, runs, predict_seconds, predict_seconds_events,
      input_tokens, input_tokens_events, output_tokens, output_tokens_events, images, images_events)
    SELECT t.term_no, t.booked_period + day, day % 4, n, n, n * (200000 + h % 9000001), n, n * (20 + h % 4001), n,
      n * (5 + h % 797), n, 0, 0
    FROM usage_term t CROSS JOIN generate_series(0, ${DAYS - 1}::int) AS day
    CROSS JOIN LATERAL (SELECT hashint8extended(t.term_no * 64 + day, ${seed}) & 1073741823 AS h) x
    CROSS JOIN LATERAL (SELECT 1 + h % 37 AS n) y
    ORDER BY 1, 2`;
  await sql`
    INSERT INTO customer_term_window (customer_no, term_no, service_month, events, runs, predict_seconds,
      predict_seconds_events, input_tokens, input_tokens_events, output_tokens, output_tokens_events, images, images_events)
    SELECT c.customer_no, w.term_no, ${`${BOOKED}-01`}::date, sum(events), sum(runs), sum(predict_seconds),
      sum(predict_seconds_events), sum(input_tokens), sum(input_tokens_events), sum(output_tokens),
      sum(output_tokens_events), sum(images), sum(images_events)
    FROM term_window w
    JOIN (SELECT customer_no, (row_number() OVER (ORDER BY customer_no) - 1) AS n FROM customer) c
      ON c.n = (w.term_no::bigint * 7919 + extract(day FROM w.service_day)::int % ${CUSTOMERS_OF_A_TERM}) % ${payees}::int
    GROUP BY 1, 2 ORDER BY 1, 2`;
}
