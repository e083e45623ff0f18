import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  loseDispute,
  openDispute,
  recordMoneyReturned,
  refund,
  returnRefund,
  winDispute,
} from "../../src/adjustments/index.ts";
import { recordInvoicePaid } from "../../src/billing/index.ts";
import { formatNanos, present, Refusal } from "../../src/kernel/index.ts";
import { expectBooksToHold } from "../billing/invoice-books.ts";
import { decimal, type Fraction, minus } from "../oracle/fraction.ts";
import type { TestMetering } from "../support/metering.ts";
import { oracleTargets } from "./line-oracle.ts";
import { LINEAGES, openRefundBooks } from "./refund-books.ts";

const HISTORIES = 200;
const customers = Array.from({ length: HISTORIES }, (_, n) => `c${String(n).padStart(3, "0")}`);

let books: TestMetering;
beforeAll(async () => {
  books = await openRefundBooks(customers);
}, 120_000);
afterAll(() => books?.drop());

const month = fc.constantFrom("2023-08", "2023-09");
const share = fc.oneof(fc.constantFrom(1, 999, 1000), fc.integer({ min: 1, max: 1000 }));
const history = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant("pay" as const), month, share }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant("refund" as const), month, share, back: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("refund all" as const), month }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("refund a line" as const),
        month,
        model: fc.constantFrom("ada/base", "lin/fine"),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("refund a prediction" as const),
        name: fc.constantFrom("august", "september", "late"),
        model: fc.constantFrom("ada/base", "lin/fine"),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("take back" as const), which: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("pay back" as const), month, share }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("dispute" as const), month, share }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("decide" as const),
        which: fc.nat(2),
        won: fc.boolean(),
        fee: fc.nat(20),
      }),
    },
  ),
  { minLength: 3, maxLength: 8 },
);
type Step = typeof history extends fc.Arbitrary<(infer S)[]> ? S : never;

/** What may be refused, because of what happened before; everything else is a bug. */
const EXPECTED = [
  "refund_too_large",
  "nothing_to_refund",
  "already_returned",
  "payment_too_large",
  "dispute_decided",
  "not_found",
  "body_invalid",
];

async function play(customer: string, steps: readonly Step[]): Promise<void> {
  const { sql } = books;
  const refunds: string[] = [];
  const disputes: string[] = [];
  const invoice = (of: string) => `inv_${of}_${customer}_USD`;
  const some = async (of: string, thousandths: number) => {
    const [row] = await sql<
      [{ nanos: string }]
    >`SELECT amount_nanos::text AS nanos FROM invoice WHERE id = ${invoice(of)}`;
    return (BigInt(row.nanos) * BigInt(thousandths)) / 1000n;
  };
  for (const [n, step] of steps.entries()) {
    const reference = `${customer} ${n}`;
    const common = { reference, reason: "test", by: "test" };
    try {
      if (step.do === "pay")
        await recordInvoicePaid(sql, {
          invoice: invoice(step.month),
          amountNanos: await some(step.month, step.share),
          reference,
          by: "test",
          paidAt: new Date(),
        });
      else if (step.do === "refund") {
        const amount = await some(step.month, step.share);
        const asked = { invoice: invoice(step.month), amount: formatNanos(amount) };
        refunds.push(await refund(sql, { ...common, asked, returnedNanos: step.back ? amount : 0n }));
      } else if (step.do === "refund all")
        refunds.push(await refund(sql, { ...common, asked: { invoice: invoice(step.month) } }));
      else if (step.do === "refund a line")
        refunds.push(
          await refund(sql, {
            ...common,
            asked: { invoice: invoice(step.month), line: { service_month: step.month, model: step.model } },
          }),
        );
      else if (step.do === "refund a prediction")
        refunds.push(
          await refund(sql, {
            ...common,
            asked: { prediction: { id: `${step.name} ${step.model} ${customer}` } },
          }),
        );
      else if (step.do === "take back")
        await returnRefund(sql, {
          ...common,
          id: refunds[step.which % Math.max(1, refunds.length)] ?? "none",
        });
      else if (step.do === "pay back")
        await recordMoneyReturned(sql, {
          ...common,
          invoice: invoice(step.month),
          amountNanos: await some(step.month, step.share),
        });
      else if (step.do === "dispute") {
        await openDispute(sql, {
          id: reference,
          invoice: invoice(step.month),
          amountNanos: await some(step.month, step.share),
          reason: "fraudulent",
          by: "test",
        });
        disputes.push(reference);
      } else {
        const id = disputes[step.which % Math.max(1, disputes.length)] ?? "none";
        if (step.won) await winDispute(sql, id, "test");
        else await loseDispute(sql, { id, by: "test", feeNanos: BigInt(step.fee) * 1_000_000_000n });
      }
    } catch (error) {
      if (!(error instanceof Refusal) || !EXPECTED.includes(error.code)) throw error;
    }
  }
}

test(`after ${HISTORIES} random histories, everybody has what the oracle says, and no refund took more than was given`, async () => {
  const histories = fc.sample(history, { numRuns: HISTORIES, seed: 20231101 });
  // Four at a time: they share the lines, and race for them.
  const left = histories.map((steps, n) => [present(customers[n], "a customer"), steps] as const);
  const worker = async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) await play(...next);
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  expect(await booked()).toEqual(await expected());
  const { sql } = books;
  const [{ made }] = await sql<[{ made: number }]>`SELECT count(DISTINCT kind)::int AS made FROM adjustment`;
  expect(made).toBe(4);
  expect(
    await sql`SELECT FROM invoice i CROSS JOIN LATERAL usage_cells(i.period, (SELECT customer_no FROM customer c WHERE c.id = i.customer), NULL) u
              WHERE u.refunded < 0 OR u.refunded > u.gross`,
    "no refund took more than was given",
  ).toEqual([]);
  expect(
    await sql`
      SELECT c.id FROM customer c CROSS JOIN LATERAL (
        SELECT sum(round_to_nanos(i.gross + coalesce((SELECT sum(a.gross) FROM adjustment a WHERE a.invoice_id = i.id), 0))
          - coalesce((SELECT sum(p.amount_nanos) FROM invoice_payment p WHERE p.invoice_id = i.id), 0)
          + coalesce((SELECT sum(a.returned_nanos) FROM adjustment a WHERE a.invoice_id = i.id), 0)) AS owed
        FROM invoice i WHERE i.customer = c.id) x
      WHERE account_balance_of(format('customer:%s:receivable', c.id), 'USD') <> x.owed`,
    "every customer owes what was charged less what was refunded and paid, and more by what went back",
  ).toEqual([]);
  const [{ rounding, parts }] = await sql<[{ rounding: string; parts: string }]>`
    SELECT account_balance_of('platform:rounding', 'USD')::text AS rounding, (SELECT count(*) FROM accrual_part)::text AS parts`;
  expect(-BigInt(rounding)).toBeLessThan(BigInt(parts) + 2n * BigInt(HISTORIES));
  expect(-BigInt(rounding)).toBeGreaterThan(-2n * BigInt(HISTORIES));
  await expectBooksToHold(sql);
}, 300_000);

/** What the books have of each party: payees' payable and held together, without what a provider's fee took. */
async function booked(): Promise<Record<string, string>> {
  const rows = await books.sql<{ party: string; nanos: string }[]>`
    SELECT coalesce(a.owner, a.kind) AS party, (-sum(b.balance_nanos) + coalesce((
      SELECT -sum(m.amount_nanos) FROM adjustment_movement m WHERE m.account = format('payee:%s:payable', a.owner)), 0))::text AS nanos
    FROM account_balance b JOIN ledger_account a USING (account_no)
    WHERE a.kind IN ('payee:payable', 'payee:held', 'platform:revenue', 'platform:cost_recovery') GROUP BY a.owner, 1`;
  return Object.fromEntries(rows.map(({ party, nanos }) => [party, nanos]).sort());
}

/** The same from the lines' usage, the lineages as this test knows them, and what was refunded of each line. */
async function expected(): Promise<Record<string, string>> {
  const lines = await books.sql<
    {
      booked: string;
      service: string;
      model: keyof typeof LINEAGES;
      gross: string;
      cost: string;
      refunded: string;
    }[]
  >`
    SELECT to_char(l.booked_period, 'YYYY-MM') AS booked, to_char(l.service_month, 'YYYY-MM') AS service, m.id AS model,
      l.gross::text, l.cost_quantity::text AS cost, coalesce((
        SELECT sum(c.refunded) FROM adjustment_cell c WHERE (c.booked_period, c.service_month, c.model_no, c.split_plan_no)
          = (l.booked_period, l.service_month, l.model_no, l.split_plan_no)), 0)::text AS refunded
    FROM accrual_line l JOIN model m USING (model_no)`;
  const sums = new Map<string, bigint>();
  for (const { booked, service, model, gross, cost, refunded } of lines) {
    const lineage = LINEAGES[model][service === "2023-08" ? "august" : "september"];
    const state = { gross: exactly(gross), refunded: exactly(refunded), reattributions: [] };
    for (const [key, nanos] of oracleTargets(lineage, BigInt(cost), booked === "2023-09", null, state)) {
      const [payee = "", reason] = key.split(" ");
      const party =
        payee !== "null" ? payee : reason === "cost" ? "platform:cost_recovery" : "platform:revenue";
      sums.set(party, (sums.get(party) ?? 0n) + nanos);
    }
  }
  return Object.fromEntries([...sums].map(([party, nanos]) => [party, nanos.toString()]).sort());
}

function exactly(text: string): Fraction {
  return text.startsWith("-") ? minus(decimal("0"), decimal(text.slice(1))) : decimal(text);
}
