import { type LineState, linesNow, planLineAdjustment, UNTOUCHED } from "../../adjustments/index.ts";
import { add, parseDecimal, present } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { type Check, DIFFERENCES_MAX } from "../check.ts";

interface Step {
  adjustment_no: string;
  period: string;
  currency: string;
  service_month: string | null;
  model_no: number;
  split_plan_no: number | null;
  refunded: string;
  rerated: string;
  from: string | null;
  to: string | null;
}

/** Goes through every line's history of adjustments, from its usage and its plan, and splits it anew at each step. */
export const partsFromHistories: Check = {
  law: "every adjusted part is the difference of what its line's state gave before and after",
  async find(sql) {
    const steps = await sql<Step[]>`
      SELECT c.adjustment_no::text, c.booked_period::text AS period, v.currency, c.service_month::text, c.model_no, c.split_plan_no,
        sum(c.refunded)::text AS refunded, sum(c.rerated)::text AS rerated, NULL AS from, NULL AS to
      FROM adjustment_cell c JOIN price_version v USING (price_no) GROUP BY c.adjustment_no, 2, 3, c.service_month, c.model_no, c.split_plan_no
      UNION ALL
      SELECT r.adjustment_no::text, r.booked_period::text, a.currency, NULL, r.model_no, NULL, '0', '0', from_payee, to_payee
      FROM reattribution r JOIN adjustment a USING (adjustment_no)`;
    const expected = new Map<string, bigint>();
    const models = new Map<string, Step[]>();
    for (const step of steps) {
      const key = `${step.period} ${step.currency} ${step.model_no}`;
      models.set(key, [...(models.get(key) ?? []), step]);
    }
    for (const history of models.values()) await replay(sql, history, expected);
    return compareParts(expected, await storedParts(sql));
  },
};

async function replay(sql: Sql, history: Step[], expected: Map<string, bigint>): Promise<void> {
  history.sort((a, b) => Number(BigInt(a.adjustment_no) - BigInt(b.adjustment_no)));
  const [first] = history;
  if (first === undefined) return;
  const { lines } = await linesNow(sql, first.period, first.currency, [first.model_no]);
  for (const { line } of lines) {
    let state: LineState = UNTOUCHED;
    for (const step of history) {
      const isOther =
        step.from === null &&
        (step.service_month !== line.service_month || step.split_plan_no !== line.split_plan_no);
      if (isOther) continue;
      const after = stateAfter(state, step);
      for (const { payee, reason, paid_by, amountNanos } of planLineAdjustment(line, state, after)) {
        const { adjustment_no, period } = step;
        const key = [
          adjustment_no,
          period,
          line.service_month,
          line.model_no,
          line.split_plan_no,
          payee ?? "",
          reason,
          paid_by,
        ];
        expected.set(key.join(" "), amountNanos);
      }
      state = after;
    }
  }
}

function stateAfter(state: LineState, { refunded, rerated, from, to }: Step): LineState {
  const exact = (text: string) => present(parseDecimal(text), "a decimal");
  return {
    refunded: add(state.refunded, exact(refunded)),
    rerated: add(state.rerated, exact(rerated)),
    reattributions:
      from === null || to === null ? state.reattributions : [...state.reattributions, { from, to }],
  };
}

async function storedParts(sql: Sql): Promise<Map<string, bigint>> {
  const rows = await sql<{ key: string; nanos: string }[]>`
    SELECT concat_ws(' ', adjustment_no, booked_period, service_month, model_no, split_plan_no, coalesce(payee, ''), reason, paid_by) AS key,
      sum(amount_nanos)::text AS nanos FROM adjustment_part GROUP BY 1`;
  return new Map(rows.map(({ key, nanos }) => [key, BigInt(nanos)]));
}

function compareParts(expected: Map<string, bigint>, stored: Map<string, bigint>): string[] {
  const keys = [...new Set([...expected.keys(), ...stored.keys()])].sort();
  return keys
    .filter((key) => expected.get(key) !== stored.get(key))
    .slice(0, DIFFERENCES_MAX)
    .map(
      (key) =>
        `adjustment part ${key}: booked ${stored.get(key)}, its cells and plan say ${expected.get(key)}`,
    );
}
