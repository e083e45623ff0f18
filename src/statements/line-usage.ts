import { firstDay, nextPeriod, type Period } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { SplitPlan } from "../sharing/index.ts";

/** Charged quantity of one meter, at the meter's scale, under one price. */
export interface PricedUsage {
  meter: string;
  quantity: bigint;
  /** Null where the price does not name the meter. */
  price: { meter: string; amount: string; per: string } | null;
  effectiveFrom: string;
}

/** A line with what was used of each meter, and the plan that splits it. */
export interface LineUsage {
  bookedPeriod: string;
  planHash: string;
  plan: SplitPlan;
  events: bigint;
  usage: PricedUsage[];
}

/** The lines of a model and service month whose split plan names a payee, in the order of booking. */
export async function lineUsage(
  sql: Sql,
  payee: string,
  { model, period, currency }: { model: string; period: Period; currency: string },
): Promise<LineUsage[]> {
  const rows = await sql<StoredUsage[]>`
    SELECT to_char(u.booked_period, 'YYYY-MM') AS booked_period, s.hash, s.content AS plan, x.name AS meter,
      u.quantity::text, u.events::text, c.amount, c.per,
      to_char(p.effective_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS effective_from
    FROM (
      SELECT booked_period, split_plan_no, price_no, meter_no, sum(quantity) AS quantity, sum(events) AS events
      FROM usage_window WHERE model_no = (SELECT model_no FROM model WHERE id = ${model})
        AND service_day >= ${firstDay(period)} AND service_day < ${firstDay(nextPeriod(period))}
        AND split_plan_no IN (SELECT split_plan_no FROM split_plan WHERE payees @> ARRAY[${payee}])
      GROUP BY 1, 2, 3, 4) u
    JOIN split_plan s USING (split_plan_no)
    JOIN price_version p ON p.price_no = u.price_no AND p.currency = ${currency}
    JOIN meter x USING (meter_no)
    LEFT JOIN price_component c ON c.price_no = u.price_no AND c.meter_no = u.meter_no
    ORDER BY u.booked_period, u.split_plan_no, p.effective_from, x.meter_no`;
  const lines = new Map<string, LineUsage>();
  for (const row of rows) {
    const key = `${row.booked_period} ${row.hash}`;
    const { booked_period: bookedPeriod, hash: planHash, plan } = row;
    const line = lines.get(key) ?? { bookedPeriod, planHash, plan, events: 0n, usage: [] };
    lines.set(key, line);
    line.usage.push(toPricedUsage(row));
    // Every charged event counts on runs.
    if (row.meter === "runs") line.events += BigInt(row.events);
  }
  return [...lines.values()];
}

interface StoredUsage {
  booked_period: string;
  hash: string;
  plan: SplitPlan;
  meter: string;
  quantity: string;
  events: string;
  amount: string | null;
  per: string | null;
  effective_from: string;
}

function toPricedUsage({ meter, quantity, amount, per, effective_from }: StoredUsage): PricedUsage {
  const price = amount === null || per === null ? null : { meter, amount, per };
  return { meter, quantity: BigInt(quantity), price, effectiveFrom: effective_from };
}
