import { planAccrual, type UsageLine } from "../../earnings/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { type Check, DIFFERENCES_MAX, sqlCheck } from "../check.ts";

/** Splits every accrued line anew, from its usage as it was accrued and its split plan. */
export const partsFromSplit: Check = {
  law: "every accrued part is the floor of its exact share of the line's gross",
  async find(sql) {
    const differences: string[] = [];
    const lines = await sql<UsageLine[]>`
      SELECT a.booked_period::text, a.service_month::text, a.model_no, m.id AS model, a.split_plan_no, a.currency,
        a.gross::text, a.cost_quantity::text, a.events::text, p.content AS plan
      FROM accrual_line a JOIN model m USING (model_no) JOIN split_plan p USING (split_plan_no)`;
    const stored = await storedParts(sql);
    for (const line of lines) {
      const { parts, ...accrual } = planAccrual(line);
      const key = keyOf(accrual);
      const expected = parts
        .map((part) => [part.account, part.reason, part.paid_by, part.amount].join(" "))
        .sort();
      const found = (stored.get(key) ?? []).sort();
      stored.delete(key);
      if (expected.join() !== found.join())
        differences.push(`accrual_line ${key}: booked [${found}], computed [${expected}]`);
    }
    for (const key of stored.keys()) differences.push(`accrual_part of ${key}: there is no such line`);
    return differences.slice(0, DIFFERENCES_MAX);
  },
};

function keyOf(line: {
  booked_period: string;
  service_month: string;
  model_no: number;
  split_plan_no: number;
  currency: string;
}): string {
  return [line.booked_period, line.service_month, line.model_no, line.split_plan_no, line.currency].join("/");
}

async function storedParts(sql: Sql): Promise<Map<string, string[]>> {
  const rows = await sql<{ key: string; parts: string[] }[]>`
    SELECT concat_ws('/', booked_period, service_month, model_no, split_plan_no, currency) AS key,
      array_agg(concat_ws(' ', account, reason, paid_by, amount_nanos)) AS parts
    FROM accrual_part GROUP BY 1`;
  return new Map(rows.map(({ key, parts }) => [key, parts]));
}

export const linesFromWindows = sqlCheck(
  "every line of a closed period, or of which accrual has seen all blocks, is accrued exactly as its windows stand",
  `SELECT format('accrual_line %s/%s/%s/%s/%s: accrued %s, %s counted for cost, %s events; windows say %s, %s, %s', booked_period, service_month, model_no,
     split_plan_no, currency, a.gross, a.cost_quantity, a.events, u.gross, u.cost_quantity, u.events) AS difference
   FROM accrual_line a FULL JOIN usage_line u USING (booked_period, service_month, model_no, split_plan_no, currency)
   WHERE (booked_period IN (SELECT period FROM settlement WHERE state <> 'closing')
       OR booked_period < coalesce((SELECT min(first_period) FROM usage_block WHERE accrued = 0), 'infinity'))
     AND (a.gross, a.cost_quantity, a.events) IS DISTINCT FROM (u.gross, u.cost_quantity, u.events)`,
);

export const bothSidesAgree = sqlCheck(
  "what customers are charged is what the models grossed, exactly, once it is folded",
  `SELECT format('%s %s: customers %s, models %s', booked_period, currency, c.gross, m.gross) AS difference
   FROM (SELECT w.booked_period, p.currency, sum(w.quantity * pc.unit_amount) AS gross
         FROM customer_window w JOIN price_version p USING (price_no)
         JOIN price_component pc ON pc.price_no = w.price_no AND pc.meter_no = w.meter_no GROUP BY 1, 2) c
   FULL JOIN (SELECT booked_period, currency, sum(gross) AS gross FROM usage_line GROUP BY 1, 2 HAVING sum(gross) <> 0) m
     USING (booked_period, currency)
   WHERE coalesce(c.gross, 0) <> coalesce(m.gross, 0)
     AND booked_period < coalesce((SELECT min(first_period) FROM usage_block WHERE folded = 0), 'infinity')`,
);
