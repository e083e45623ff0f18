import { type Rational, Refusal } from "../../kernel/index.ts";
import { identitiesOfId } from "../../metering/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { eventIdentity } from "../../usage/index.ts";
import { exact } from "../lines/closed-usage.ts";

/** What one charged prediction cost, by meter, and whose it was. */
export interface PredictionUsage {
  identity: string;
  customer: string;
  currency: string;
  booked_period: string;
  service_month: string;
  model: string;
  model_no: number;
  price_no: number;
  split_plan_no: number;
  meters: { meter_no: number; gross: Rational }[];
}

interface StoredUsage extends Omit<PredictionUsage, "meters"> {
  charged: number;
  meters: { meter_no: number; gross: string }[] | null;
}

/** @throws Refusal not_found, identity_ambiguous or nothing_to_refund */
export async function predictionUsage(sql: Sql, id: string, source?: string): Promise<PredictionUsage> {
  const identities = source === undefined ? await identitiesOfId(sql, id) : [eventIdentity(source, id)];
  const found = await sql<{ identity: string; event_no: string }[]>`
    SELECT identity, event_no::text FROM usage_identity WHERE identity = ANY (${identities}::uuid[]) AND event_no IS NOT NULL`;
  if (found.length > 1)
    throw new Refusal("identity_ambiguous", `several sources have a prediction ${id}: name its source`);
  const [one] = found;
  if (one === undefined) throw new Refusal("not_found", `there is no metered prediction ${id}`);
  const [row] = await sql<StoredUsage[]>`
    SELECT ${one.identity} AS identity, c.id AS customer, v.currency, t.booked_period::text, t.model_no, m.id AS model,
      date_trunc('month', e.occurred_at AT TIME ZONE 'UTC')::date::text AS service_month, t.price_no, t.split_plan_no, t.charged,
      (SELECT jsonb_agg(jsonb_build_object('meter_no', x.meter_no, 'gross', (least(q.quantity::numeric, pc.max_per_event) * pc.unit_amount)::text)
          ORDER BY x.meter_no)
       FROM jsonb_each_text(e.quantities) AS q(name, quantity) JOIN meter x USING (name)
       JOIN price_component pc ON pc.price_no = t.price_no AND pc.meter_no = x.meter_no) AS meters
    FROM usage_events_at(${[one.event_no]}::text[]::bigint[]) e
    JOIN usage_term t USING (term_no) JOIN model m USING (model_no) JOIN customer c USING (customer_no)
    JOIN price_version v USING (price_no)`;
  if (row === undefined)
    throw new Refusal("not_found", `prediction ${id} is older than what is kept of events`);
  const { charged, meters, ...usage } = row;
  if (charged === 0) throw new Refusal("nothing_to_refund", `prediction ${id} was not charged`);
  return {
    ...usage,
    meters: (meters ?? []).map(({ meter_no, gross }) => ({ meter_no, gross: exact(gross) })),
  };
}
