import {
  add,
  floorToNanos,
  formatScaled,
  type Money,
  money,
  multiply,
  type Nanos,
  parseDecimal,
  present,
  type Rational,
  rational,
  roundToNanos,
  ZERO,
} from "../kernel/index.ts";
import { identitiesOfId } from "../metering/index.ts";
import type { Sql } from "../postgres/index.ts";
import { meterScale } from "../pricing/index.ts";
import { type SplitPlan, splitGross } from "../sharing/index.ts";
import { eventIdentity } from "../usage/index.ts";

export interface PredictionView {
  id: string;
  source: string;
  model: string;
  version: string | null;
  customer: string;
  status: string;
  occurred_at: string;
  parent: string | null;
  /** What it ran on; null where it is not told. */
  hardware: string | null;
  /** `parked` events are known, but wait for their customer, model or price. */
  state: "metered" | "parked";
  waits_for: string | null;
  booked_period: string | null;
  charged: boolean | null;
  usage: {
    meter: string;
    quantity: string;
    price: { amount: string; per: string } | null;
    gross: Money | null;
  }[];
  gross: Money | null;
  /** Who earned what of it: exact part of its line × this gross ÷ the line's gross, floored. */
  earnings: { payee: string | null; reason: string; paid_by: string; earned: Money }[];
}

/** The predictions with this id: one a source that has it. Without a source it may be any. */
export async function findPredictions(sql: Sql, id: string, source?: string): Promise<PredictionView[]> {
  const identities = source === undefined ? await identitiesOfId(sql, id) : [eventIdentity(source, id)];
  return [...(await predictionsOf(sql, identities)).values()];
}

/** By their identities; those that nothing is known of are left out. */
export async function predictionsOf(
  sql: Sql,
  identities: readonly string[],
): Promise<Map<string, PredictionView>> {
  const found = await sql<{ identity: string; event_no: string | null }[]>`
    SELECT replace(identity::text, '-', '') AS identity, event_no::text FROM usage_identity
    WHERE identity = ANY (${identities as string[]}::text[]::uuid[])`;
  const [metered, waiting] = await Promise.all([
    predictionsAt(
      sql,
      found.flatMap(({ event_no }) => event_no ?? []),
    ),
    parkedOf(
      sql,
      found.filter(({ event_no }) => event_no === null).map(({ identity }) => identity),
    ),
  ]);
  return new Map(
    found.flatMap(({ identity, event_no }) => {
      const view = event_no === null ? waiting.get(identity) : metered.get(event_no);
      return view === undefined ? [] : [[identity, view]];
    }),
  );
}

interface ParkedEvent extends Record<"e" | "s" | "m" | "v" | "u" | "k" | "t", string> {
  p: string | null;
  h?: string;
  q: Record<string, string>;
}

async function parkedOf(sql: Sql, identities: readonly string[]): Promise<Map<string, PredictionView>> {
  if (identities.length === 0) return new Map();
  const rows = await sql<{ identity: string; reason: string; event: ParkedEvent }[]>`
    SELECT replace(identity::text, '-', '') AS identity, reason, event FROM parked_event
    WHERE identity = ANY (${identities as string[]}::text[]::uuid[])`;
  return new Map(rows.map(({ identity, reason, event }) => [identity, parkedView(reason, event)]));
}

function parkedView(reason: string, event: ParkedEvent): PredictionView {
  const usage = Object.entries(event.q).map(([meter, quantity]) => ({
    meter,
    quantity: formatScaled(BigInt(quantity), meterScale(meter)),
    price: null,
    gross: null,
  }));
  return {
    id: event.e,
    source: event.s,
    model: event.m,
    version: event.v || null,
    customer: event.u,
    status: event.k,
    occurred_at: event.t,
    parent: event.p,
    hardware: event.h ?? null,
    state: "parked",
    waits_for: reason,
    booked_period: null,
    charged: null,
    usage,
    gross: null,
    earnings: [],
  };
}

interface MeteredRow {
  id: string;
  source: string;
  model: string;
  version: string;
  customer: string;
  status: string;
  occurred_at: string;
  parent: string | null;
  hardware: string | null;
  booked_period: string;
  charged: number;
  currency: string;
  meters: {
    meter: string;
    quantity: string;
    charged: string;
    amount: string | null;
    per: string | null;
    gross: string;
  }[];
  plan: SplitPlan;
  line_gross: string | null;
  line_cost_quantity: string | null;
}

/** Metered predictions by their event's number. Each line that they are of is summed once. */
async function predictionsAt(sql: Sql, eventNos: readonly string[]): Promise<Map<string, PredictionView>> {
  if (eventNos.length === 0) return new Map();
  const rows = await sql<(MeteredRow & { event_no: string })[]>`
    WITH event AS MATERIALIZED (
      SELECT e.*, t.model_no, t.model_version_no, t.booked_period, t.split_plan_no, t.price_no, t.status, t.charged, p.currency,
        date_trunc('month', e.occurred_at AT TIME ZONE 'UTC')::date AS service_month
      FROM usage_events_at(${eventNos as string[]}::text[]::bigint[]) e JOIN usage_term t USING (term_no)
      JOIN price_version p USING (price_no)
    ), line AS MATERIALIZED (
      SELECT k.*, l.gross, l.cost_quantity
      FROM (SELECT DISTINCT booked_period, model_no, split_plan_no, currency, service_month FROM event) k
      CROSS JOIN LATERAL (
        SELECT gross, cost_quantity FROM usage_line u
        WHERE u.booked_period = k.booked_period AND u.model_no = k.model_no AND u.split_plan_no = k.split_plan_no
          AND u.currency = k.currency AND u.service_month = k.service_month
        -- Or all lines would be summed, and this one sought among them.
        OFFSET 0) l
    )
    SELECT e.event_no::text, e.id, s.source, m.id AS model, v.version, c.id AS customer, e.status, e.parent, e.hardware, e.charged, e.currency,
      to_char(e.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS occurred_at,
      to_char(e.booked_period, 'YYYY-MM') AS booked_period, plan.content AS plan,
      l.gross::text AS line_gross, l.cost_quantity::text AS line_cost_quantity,
      (SELECT jsonb_agg(jsonb_build_object('meter', x.name, 'quantity', q.quantity, 'amount', pc.amount,
          'per', pc.per, 'gross', (least(q.quantity::numeric, pc.max_per_event) * coalesce(pc.unit_amount, 0))::text) ORDER BY x.meter_no)
       FROM jsonb_each_text(e.quantities) AS q(name, quantity) JOIN meter x USING (name)
       LEFT JOIN price_component pc ON pc.price_no = e.price_no AND pc.meter_no = x.meter_no
       WHERE x.built_in = 1 OR pc.meter_no IS NOT NULL OR x.meter_no = plan.cost_meter_no) AS meters
    FROM event e
    JOIN usage_source s USING (source_no) JOIN model m USING (model_no) JOIN model_version v USING (model_version_no)
    JOIN customer c USING (customer_no) JOIN split_plan plan USING (split_plan_no)
    LEFT JOIN line l ON (l.booked_period, l.model_no, l.split_plan_no, l.currency, l.service_month)
      = (e.booked_period, e.model_no, e.split_plan_no, e.currency, e.service_month)`;
  return new Map(rows.map((row) => [row.event_no, toView(row)]));
}

function toView(row: MeteredRow): PredictionView {
  const charged = row.charged === 1;
  const usage = row.meters.map(({ meter, quantity, amount, per, gross }) => ({
    meter,
    quantity: formatScaled(BigInt(quantity), meterScale(meter)),
    price: amount === null || per === null ? null : { amount, per },
    gross: amount === null || !charged ? null : money(row.currency, roundToNanos(exact(gross))),
  }));
  const exactGross = charged ? row.meters.reduce((sum, meter) => add(sum, exact(meter.gross)), ZERO) : ZERO;
  return {
    id: row.id,
    source: row.source,
    model: row.model,
    version: row.version || null,
    customer: row.customer,
    status: row.status,
    occurred_at: row.occurred_at,
    parent: row.parent,
    hardware: row.hardware,
    state: "metered",
    waits_for: null,
    booked_period: row.booked_period,
    charged,
    usage,
    gross: money(row.currency, roundToNanos(exactGross)),
    earnings: charged ? earningsFrom(row, exactGross) : [],
  };
}

function earningsFrom(row: MeteredRow, gross: Rational): PredictionView["earnings"] {
  const lineGross = exact(row.line_gross ?? "0");
  if (lineGross.num === 0n) return [];
  const split = splitGross(row.plan, lineGross, BigInt(row.line_cost_quantity ?? "0"));
  const fraction = multiply(gross, rational(lineGross.den, lineGross.num));
  return split.parts.map((part) => ({
    payee: part.payee,
    reason: part.reason,
    paid_by: part.model,
    earned: money(row.currency, partOf(part.exact, fraction)),
  }));
}

function partOf(part: Rational, fraction: Rational): Nanos {
  return floorToNanos(multiply(part, fraction));
}

function exact(decimal: string): Rational {
  return present(parseDecimal(decimal), "a decimal");
}
