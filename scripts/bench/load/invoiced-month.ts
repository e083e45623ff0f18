import { CatalogDocument, openCatalogStore } from "../../../src/catalog/index.ts";
import type { Sql } from "../../../src/postgres/index.ts";

/** Closed long ago: its end and every grace time are over. */
export const INVOICED = "2023-11";
const MODELS = 5;
/** Models that each customer used: the lines of its invoice are two for each. */
const USED = 3;
const FROM = "2023-01-01T00:00:00Z";

/** A month in which so many customers used three models each, written straight into the windows of both sides. */
export async function loadInvoicedMonth(sql: Sql, customers: number): Promise<void> {
  const models = Array.from({ length: MODELS }, (_, n) => `creator/model-${n}`);
  await openCatalogStore(sql).change(
    CatalogDocument.parse({
      payees: [{ id: "creator", name: "creator", country: "US", default_currency: "USD" }],
      customers: Array.from({ length: customers }, (_, n) => ({
        id: `customer-${n}`,
        name: `customer-${n}`,
        currency: "USD",
      })),
      models: models.map((id) => ({ id, payee: "creator" })),
      prices: models.map((model, n) => ({
        model,
        currency: "USD",
        effective_from: FROM,
        components: [
          { meter: "input_tokens", amount: `0.${n + 1}3`, per: "1000000" },
          { meter: "output_tokens", amount: `1.${n + 1}7`, per: "1000000" },
        ],
      })),
    }),
  );
  await sql`INSERT INTO model_version (model_no, version) SELECT model_no, 'a' FROM model ORDER BY 1`;
  await sql`
    INSERT INTO usage_term (model_no, booked_period, model_version_no, status, country, price_no, split_plan_no, charged)
    SELECT r.model_no, ${`${INVOICED}-01`}::date, v.model_version_no, 'succeeded', 'US', r.price_no, r.split_plan_no, 1
    FROM rate_segment r JOIN model_version v USING (model_no) ORDER BY 1`;
  await sql`
    INSERT INTO customer_term_window (customer_no, term_no, service_month, events, runs, predict_seconds,
      predict_seconds_events, input_tokens, input_tokens_events, output_tokens, output_tokens_events, images, images_events)
    SELECT c.customer_no, t.term_no, t.booked_period, 100, 100, 0, 0, 1000000 + c.customer_no * 7919, 100, 500000 + c.customer_no, 100, 0, 0
    FROM customer c JOIN usage_term t ON (t.term_no + c.customer_no) % ${MODELS} < ${USED} ORDER BY 1, 2`;
  await sql`
    INSERT INTO term_window (term_no, service_day, shard, events, runs, predict_seconds, predict_seconds_events,
      input_tokens, input_tokens_events, output_tokens, output_tokens_events, images, images_events)
    SELECT term_no, service_month, 0, sum(events), sum(runs), 0, 0, sum(input_tokens), sum(input_tokens_events),
      sum(output_tokens), sum(output_tokens_events), 0, 0
    FROM customer_term_window GROUP BY 1, 2 ORDER BY 1, 2`;
  await sql`ANALYZE`;
}
