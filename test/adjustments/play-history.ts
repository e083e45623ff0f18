import fc from "fast-check";
import {
  correct,
  loseDispute,
  openDispute,
  recordMoneyReturned,
  refund,
  returnRefund,
  winDispute,
} from "../../src/adjustments/index.ts";
import { customerAccounts, grantCredit, recordInvoicePaid } from "../../src/billing/index.ts";
import { formatNanos, parseNanos, parsePeriod, present, Refusal } from "../../src/kernel/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { PAYEES } from "./refund-books.ts";

const month = fc.constantFrom("2023-08", "2023-09");
const model = fc.constantFrom("ada/base", "lin/fine");
const payee = fc.constantFrom(...PAYEES);
const share = fc.oneof(fc.constantFrom(1, 999, 1000), fc.integer({ min: 1, max: 1000 }));
/** In thousandths of a cent. */
const amount = fc.integer({ min: 1, max: 9_999_999 });
const which = fc.nat(5);

const step = <T extends string, F extends object>(
  weight: number,
  what: T,
  fields: { [K in keyof F]: fc.Arbitrary<F[K]> },
) => ({ weight, arbitrary: fc.record({ do: fc.constant(what), ...fields }) as fc.Arbitrary<{ do: T } & F> });

/** What may happen to one customer's invoices and credits, and now and then to a model's month as a whole. */
export const history = fc.array(
  fc.oneof(
    step(4, "pay", { month, share }),
    step(4, "refund", { month, share, back: fc.boolean() }),
    step(1, "refund all", { month }),
    step(2, "refund a line", { month, model }),
    step(2, "refund a prediction", { name: fc.constantFrom("august", "september", "late"), model }),
    step(3, "take back", { which }),
    step(3, "pay back", { month, share }),
    step(3, "dispute", { month, share, refunded: fc.boolean() }),
    step(1, "refund at Stripe", { month, share }),
    step(2, "decide", { which: fc.nat(2), won: fc.boolean(), fee: fc.nat(20) }),
    step(1, "re-rate", { month, model, tokens: fc.boolean(), price: fc.integer({ min: 1, max: 3_000 }) }),
    step(1, "reattribute", { month, model, from: payee, to: payee }),
    step(2, "correct a payee", { payee, credit: fc.boolean(), amount }),
    step(1, "correct a customer", { credit: fc.boolean(), amount }),
    step(4, "settle the account", {
      share: fc.integer({ min: 1, max: 1100 }),
      credited: amount,
      credit: fc.boolean(),
    }),
    step(2, "grant", { paid: fc.boolean(), amount }),
    step(2, "revoke", { which }),
  ),
  { minLength: 3, maxLength: 9 },
);
export type Step = typeof history extends fc.Arbitrary<(infer S)[]> ? S : never;

/** What may be refused, because of what happened before; everything else is a bug. */
const EXPECTED = [
  "refund_too_large",
  "nothing_to_refund",
  "already_returned",
  "payment_too_large",
  "dispute_decided",
  "not_found",
  "nothing_to_revoke",
  // Of September, whose earnings wait for payments.
  "earnings_held",
  "refund_made",
  "body_invalid",
];

/** What is owed at all, to a customer or by it, when a history says that it is settled elsewhere: in thousandths of it. */
const ALL = 1000n;

/** What corrections and grants did, as this test keeps it by itself. */
export interface Played {
  /** Nanos by payee, and by customer: what corrections gave it. */
  payees: Map<string, bigint>;
  customers: Map<string, bigint>;
  /** Nanos by customer: what was paid back to it elsewhere, less what it paid. */
  repaid: Map<string, bigint>;
  /** By customer, in the order of the grants. */
  grants: Map<string, { id: string; paid: boolean; nanos: bigint; revoked: bigint }[]>;
}

export async function play(
  sql: Sql,
  customer: string,
  steps: readonly Step[],
  played: Played,
): Promise<void> {
  const { act } = actor(sql, customer, played);
  for (const [n, one] of steps.entries()) {
    try {
      await act(one, `${customer} ${n}`);
    } catch (error) {
      if (!(error instanceof Refusal) || !EXPECTED.includes(error.code)) throw error;
    }
  }
}

function actor(sql: Sql, customer: string, played: Played) {
  const refunds: string[] = [];
  const disputes: string[] = [];
  const grants: { id: string; paid: boolean; nanos: bigint; revoked: bigint }[] = [];
  played.grants.set(customer, grants);
  const invoice = (of: string) => `inv_${of}_${customer}_USD`;
  const one = (ids: readonly string[], nth: number) => ids[nth % Math.max(1, ids.length)] ?? "none";
  const some = async (of: string, thousandths: number) => {
    const [row] = await sql<
      [{ nanos: string }]
    >`SELECT amount_nanos::text AS nanos FROM invoice WHERE id = ${invoice(of)}`;
    return (BigInt(row.nanos) * BigInt(thousandths)) / 1000n;
  };

  const pay = async (of: string, amountNanos: bigint, reference: string) =>
    recordInvoicePaid(sql, { invoice: invoice(of), amountNanos, reference, by: "test", paidAt: new Date() });
  /** Of what was paid: nobody takes back anything else. */
  const paid = async (of: string, thousandths: number) => {
    const [row] = await sql<[{ nanos: string }]>`
      SELECT coalesce(sum(amount_nanos), 0)::text AS nanos FROM invoice_payment WHERE invoice_id = ${invoice(of)}`;
    return (BigInt(row.nanos) * BigInt(thousandths)) / 1000n;
  };

  async function refundAtStripe(of: string, nanos: bigint, said: { reference: string; reason: string }) {
    const asked = { invoice: invoice(of), amount: formatNanos(nanos) };
    const told = { asked, returnedNanos: nanos, atMost: true, by: "stripe" };
    refunds.push(await refund(sql, { ...said, ...told }));
  }

  /** Of what is on the customer's account, either way, some or a little more than all. */
  async function settle(thousandths: number, { reference, ...said }: Said): Promise<void> {
    const [account] = await customerAccounts(sql, customer);
    const nanos = present(parseNanos(account?.on_account.amount ?? "0"), "an amount");
    const kind = nanos > 0n ? ("repayment" as const) : ("payment" as const);
    const amountNanos = ((nanos > 0n ? nanos : -nanos) * BigInt(thousandths)) / ALL;
    const asked = { kind, customer, currency: "USD", amount: formatNanos(amountNanos), reference };
    await correct(sql, { ...said, reference, asked: { ...asked, paid_at: "2023-11-05T00:00:00Z" } });
    played.repaid.set(
      customer,
      (played.repaid.get(customer) ?? 0n) + (nanos > 0n ? amountNanos : -amountNanos),
    );
  }

  async function act(step: Step, reference: string): Promise<void> {
    const common = { reference, reason: "test", by: "test" };
    const correctTo = async (
      of: Map<string, bigint>,
      party: { payee: string } | { customer: string },
      s: Corrected,
      named = reference,
    ) => {
      const nanos = BigInt(s.amount) * 10_000n;
      const kind = s.credit ? "credit" : "debit";
      await correct(sql, {
        ...common,
        reference: named,
        asked: { kind, ...party, currency: "USD", amount: formatNanos(nanos) },
      });
      const name = "payee" in party ? party.payee : party.customer;
      of.set(name, (of.get(name) ?? 0n) + (s.credit ? nanos : -nanos));
    };
    switch (step.do) {
      case "pay": {
        await pay(step.month, await some(step.month, step.share), reference);
        return;
      }
      case "refund": {
        const nanos = await some(step.month, step.share);
        const asked = { invoice: invoice(step.month), amount: formatNanos(nanos) };
        refunds.push(await refund(sql, { ...common, asked, returnedNanos: step.back ? nanos : 0n }));
        return;
      }
      case "refund at Stripe":
        return refundAtStripe(step.month, await paid(step.month, step.share), common);
      case "refund all":
        refunds.push(await refund(sql, { ...common, asked: { invoice: invoice(step.month) } }));
        return;
      case "refund a line": {
        const line = { service_month: step.month, model: step.model };
        refunds.push(await refund(sql, { ...common, asked: { invoice: invoice(step.month), line } }));
        return;
      }
      case "refund a prediction": {
        const prediction = { id: `${step.name} ${step.model} ${customer}` };
        refunds.push(await refund(sql, { ...common, asked: { prediction } }));
        return;
      }
      case "take back":
        await returnRefund(sql, { ...common, id: one(refunds, step.which) });
        return;
      case "pay back": {
        const amountNanos = await some(step.month, step.share);
        await recordMoneyReturned(sql, { ...common, invoice: invoice(step.month), amountNanos });
        return;
      }
      case "dispute": {
        if ((await paid(step.month, 1000)) === 0n)
          await pay(step.month, await some(step.month, 1000), `${reference}-paid`);
        const amountNanos = await paid(step.month, step.share);
        const dispute = { id: reference, invoice: invoice(step.month), amountNanos };
        await openDispute(sql, { ...dispute, reason: "fraudulent", by: "test" });
        disputes.push(reference);
        // Typed by hand, and somebody else refunds the same money.
        if (step.refunded)
          await refundAtStripe(step.month, amountNanos, { ...common, reference: `${reference}-r` });
        return;
      }
      case "decide": {
        const id = one(disputes, step.which);
        if (step.won) await winDispute(sql, id, "test");
        else await loseDispute(sql, { id, by: "test", feeNanos: BigInt(step.fee) * 1_000_000_000n });
        return;
      }
      case "re-rate": {
        const period = present(parsePeriod(step.month), "a month");
        const component = step.tokens
          ? { meter: "input_tokens", amount: formatNanos(BigInt(step.price) * 1_000_000n), per: "1000" }
          : { meter: "predict_seconds", amount: formatNanos(BigInt(step.price) * 10_000n), per: "1" };
        const asked = { kind: "rerate" as const, model: step.model, period, currency: "USD" };
        await correct(sql, { ...common, asked: { ...asked, components: [component] } });
        return;
      }
      case "reattribute": {
        const period = present(parsePeriod(step.month), "a month");
        const { from, to } = step;
        const asked = {
          kind: "reattribution" as const,
          model: step.model,
          period,
          currency: "USD",
          from,
          to,
        };
        await correct(sql, { ...common, asked });
        return;
      }
      case "correct a payee":
        return correctTo(played.payees, { payee: step.payee }, step);
      case "correct a customer":
        return correctTo(played.customers, { customer }, step);
      case "settle the account":
        // Else most customers owe, by re-ratings.
        if (step.credit)
          await correctTo(
            played.customers,
            { customer },
            { credit: true, amount: step.credited },
            `${reference}-credit`,
          );
        return settle(step.share, common);
      case "grant": {
        const nanos = BigInt(step.amount) * 10_000n;
        const id = await grantCredit(sql, {
          ...{ customer, currency: "USD", amountNanos: nanos, kind: step.paid ? "paid" : "promotional" },
          ...{
            reference: step.paid ? reference : null,
            priority: 100,
            expiresAt: null,
            reason: "test",
            by: "test",
          },
          requestKey: undefined,
        });
        grants.push({ id, paid: step.paid, nanos, revoked: 0n });
        return;
      }
      case "revoke": {
        const id = one(
          grants.map((grant) => grant.id),
          step.which,
        );
        await correct(sql, { ...common, asked: { kind: "revocation", credit: id } });
        await noteRevoked(id);
      }
    }
  }

  /** What is not invoiced yet is less than a cent: so much stays, of the oldest grants. */
  async function noteRevoked(id: string): Promise<void> {
    const [row] = await sql<[{ needed: string }]>`
      SELECT ceil(carried_out * 1000000000)::text AS needed FROM invoice WHERE id = ${invoice("2023-09")}`;
    let needed = BigInt(row.needed);
    for (const grant of grants) {
      const left = grant.nanos - grant.revoked;
      const kept = needed < left ? needed : left;
      needed -= kept;
      if (grant.id === id) grant.revoked += left - kept;
    }
  }

  return { act };
}

interface Said {
  reference: string;
  reason: string;
  by: string;
}

interface Corrected {
  credit: boolean;
  amount: number;
}
