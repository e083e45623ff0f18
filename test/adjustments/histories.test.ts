import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listCredits } from "../../src/billing/index.ts";
import { parseNanos, present } from "../../src/kernel/index.ts";
import { expectBooksToHold } from "../billing/invoice-books.ts";
import { decimal, type Fraction, fraction, minus, plus, times } from "../oracle/fraction.ts";
import type { TestMetering } from "../support/metering.ts";
import { oracleTargets } from "./line-oracle.ts";
import { history, type Played, play } from "./play-history.ts";
import { LINEAGES, openRefundBooks, PRICES } from "./refund-books.ts";

const HISTORIES = 200;
/** Five times so many, each in books of their own; others with HISTORIES_SEED. */
const SEEDS = [0, 1, 2, 3, 4].map((n) => Number(process.env.HISTORIES_SEED ?? 20231101) + n);
const customers = Array.from({ length: HISTORIES }, (_, n) => `c${String(n).padStart(3, "0")}`);

let books: TestMetering;
beforeEach(async () => {
  books = await openRefundBooks(customers);
}, 120_000);
afterEach(() => books?.drop());

test.each(SEEDS)(
  `seed %i: after ${HISTORIES} random histories, everybody has what the oracle says, and no refund took more than was given`,
  async (seed) => {
    const histories = fc.sample(history, { numRuns: HISTORIES, seed });
    // Four at a time: they share the lines, and race for them.
    const played: Played = { payees: new Map(), customers: new Map(), repaid: new Map(), grants: new Map() };
    const left = histories.map((steps, n) => [present(customers[n], "a customer"), steps] as const);
    const worker = async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop())
        await play(books.sql, ...next, played);
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    expect(await booked()).toEqual(await expected(played));
    await expectCredits(played);
    const { sql } = books;
    const given = customers.map((id) => [
      id,
      ((played.customers.get(id) ?? 0n) - (played.repaid.get(id) ?? 0n)).toString(),
    ]);
    const corrected = JSON.stringify(Object.fromEntries(given));
    const [{ made }] = await sql<
      [{ made: number }]
    >`SELECT count(DISTINCT kind)::int AS made FROM adjustment`;
    expect(made).toBe(11);
    expect(
      await sql`SELECT FROM invoice i CROSS JOIN LATERAL usage_cells(i.period, (SELECT customer_no FROM customer c WHERE c.id = i.customer), NULL) u
              WHERE u.refunded < 0 OR u.refunded > u.gross + u.rerated`,
      "no refund took more than was given",
    ).toEqual([]);
    expect(
      await sql`
      SELECT i.id FROM invoice i WHERE (SELECT coalesce(sum(amount_nanos), 0) FROM invoice_payment WHERE invoice_id = i.id)
        < (SELECT coalesce(sum(returned_nanos), 0) FROM adjustment WHERE invoice_id = i.id)`,
      "no more went back than was paid, though people say disputed what Stripe refunds",
    ).toEqual([]);
    expect(
      await sql`
      SELECT c.id FROM customer c CROSS JOIN LATERAL (
        SELECT sum(round_to_nanos(i.gross + coalesce((SELECT sum(a.rerated - a.refunded) FROM adjustment_cell a
            WHERE a.customer_no = c.customer_no AND a.booked_period = i.period), 0))
          - coalesce((SELECT sum(p.amount_nanos) FROM invoice_payment p WHERE p.invoice_id = i.id), 0)
          + coalesce((SELECT sum(a.returned_nanos) FROM adjustment a WHERE a.invoice_id = i.id), 0)) AS owed
        FROM invoice i WHERE i.customer = c.id) x
      WHERE account_balance_of(format('customer:%s:receivable', c.id), 'USD')
        <> x.owed - coalesce((${corrected}::text::jsonb->>c.id)::numeric, 0)`,
      "every customer owes what was charged less what was refunded and paid, and more by what went back, as corrected and settled",
    ).toEqual([]);
    const [{ rounding, parts }] = await sql<[{ rounding: string; parts: string }]>`
    SELECT account_balance_of('platform:rounding', 'USD')::text AS rounding, (SELECT count(*) FROM accrual_part)::text AS parts`;
    expect(-BigInt(rounding)).toBeLessThan(BigInt(parts) + 2n * BigInt(HISTORIES));
    expect(-BigInt(rounding)).toBeGreaterThan(-2n * BigInt(HISTORIES));
    await expectBooksToHold(sql);
  },
  300_000,
);

/** What the books have of each party: payees' payable and held together, without what a provider's fee took. */
async function booked(): Promise<Record<string, string>> {
  const rows = await books.sql<{ party: string; nanos: string }[]>`
    SELECT coalesce(a.owner, a.kind) AS party, (-sum(b.balance_nanos) + coalesce((
      SELECT -sum(m.amount_nanos) FROM adjustment_movement m JOIN adjustment j USING (adjustment_no)
      WHERE j.kind IN ('refund', 'dispute_lost', 'refund_returned') AND m.account = format('payee:%s:payable', a.owner)), 0))::text AS nanos
    FROM account_balance b JOIN ledger_account a USING (account_no)
    WHERE a.kind IN ('payee:payable', 'payee:held', 'platform:revenue', 'platform:cost_recovery') GROUP BY a.owner, 1`;
  return Object.fromEntries(rows.map(({ party, nanos }) => [party, nanos]).sort());
}

/** The same from the lines' usage, the prices and lineages as this test knows them, what was refunded, and what corrections asked for. */
async function expected({ payees }: Played): Promise<Record<string, string>> {
  const lines = await books.sql<
    {
      booked: string;
      service: string;
      model: keyof typeof LINEAGES;
      tokens: string;
      micros: string;
      cost: string;
      refunded: string;
    }[]
  >`
    SELECT to_char(l.booked_period, 'YYYY-MM') AS booked, to_char(l.service_month, 'YYYY-MM') AS service, m.id AS model,
      l.cost_quantity::text AS cost, u.tokens, u.micros, coalesce((
        SELECT sum(c.refunded) FROM adjustment_cell c WHERE (c.booked_period, c.service_month, c.model_no, c.split_plan_no)
          = (l.booked_period, l.service_month, l.model_no, l.split_plan_no)), 0)::text AS refunded
    FROM accrual_line l JOIN model m USING (model_no) CROSS JOIN LATERAL (
      SELECT sum(w.quantity) FILTER (WHERE t.name = 'input_tokens')::text AS tokens,
        sum(w.quantity) FILTER (WHERE t.name = 'predict_seconds')::text AS micros
      FROM customer_window w JOIN meter t USING (meter_no) WHERE (w.booked_period, w.service_month, w.model_no, w.split_plan_no)
        = (l.booked_period, l.service_month, l.model_no, l.split_plan_no)) u`;
  const corrections = await books.sql<{ asked: Corrected }[]>`
    SELECT asked FROM adjustment WHERE kind IN ('rerate', 'reattribution') ORDER BY adjustment_no`;
  const sums = new Map(payees);
  for (const { booked, service, model, tokens, micros, cost, refunded } of lines) {
    const price = { ...PRICES[model] };
    const reattributions: { from: string; to: string }[] = [];
    for (const { asked } of corrections.filter(
      ({ asked }) => asked.model === model && asked.period === booked,
    ))
      if (asked.kind === "reattribution") reattributions.push({ from: asked.from, to: asked.to });
      else for (const { meter, amount } of asked.components) price[meter] = amount;
    const gross = plus(
      times(exactly(price.input_tokens), fraction(BigInt(tokens), 1_000n)),
      times(exactly(price.predict_seconds), fraction(BigInt(micros), 1_000_000n)),
    );
    const lineage = LINEAGES[model][service === "2023-08" ? "august" : "september"];
    const state = { gross, refunded: exactly(refunded), reattributions };
    for (const [key, nanos] of oracleTargets(lineage, BigInt(cost), booked === "2023-09", null, state)) {
      const [payee = "", reason] = key.split(" ");
      const party =
        payee !== "null" ? payee : reason === "cost" ? "platform:cost_recovery" : "platform:revenue";
      sums.set(party, (sums.get(party) ?? 0n) + nanos);
    }
  }
  return Object.fromEntries([...sums].map(([party, nanos]) => [party, nanos.toString()]).sort());
}

type Corrected = { model: string; period: string } & (
  | { kind: "reattribution"; from: string; to: string }
  | { kind: "rerate"; components: { meter: keyof (typeof PRICES)["ada/base"]; amount: string }[] }
);

/** What is left of every grant, as this test kept it. */
async function expectCredits({ grants }: Played): Promise<void> {
  for (const [customer, kept] of grants) {
    const credits = await listCredits(books.sql, customer, { limit: 100 });
    expect(
      credits.map(({ id, revoked, left }) => [id, parseNanos(revoked.amount), parseNanos(left.amount)]),
    ).toEqual(kept.map(({ id, nanos, revoked }) => [id, revoked, nanos - revoked]));
  }
}

function exactly(text: string): Fraction {
  return text.startsWith("-") ? minus(decimal("0"), decimal(text.slice(1))) : decimal(text);
}
