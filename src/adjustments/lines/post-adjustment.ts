import { amountInWords, InvariantBroken, type Money, money, Refusal } from "../../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../../postgres/index.ts";
import { AdjustedMeanwhile } from "./closed-usage.ts";

/** Others may adjust the same usage at the same time: then it is planned anew from what they left. */
const ATTEMPTS_MAX = 50;

/** Plans and books one adjustment, in one statement, until nobody was faster. Answers its id. */
export async function planAndPost(sql: Sql, plan: () => Promise<object>): Promise<string> {
  return untilUnraced(async () => {
    const [row] = await sql<[{ id: string }]>`
      SELECT post_adjustment(${JSON.stringify(await plan())}::text::jsonb) AS id`;
    return row.id;
  });
}

export async function untilUnraced<T>(attempt: () => Promise<T>): Promise<T> {
  for (let n = 1; n <= ATTEMPTS_MAX; n++) {
    try {
      return await attempt();
    } catch (error) {
      const raced =
        error instanceof AdjustedMeanwhile || refusedByDatabase(error)?.code === "adjustment_raced";
      if (!raced) throw refusalOf(error);
    }
  }
  throw new InvariantBroken("others adjusted the same usage all the time: ask again");
}

const SAID: Record<string, (detail: Record<string, string>) => Refusal> = {
  adjustment_differs: ({ id }) =>
    new Refusal(
      "adjustment_differs",
      `this reference is taken by ${id}, which is another one: use a reference of its own`,
    ),
  refund_too_large: () =>
    new Refusal("refund_too_large", "that is more than what was charged and is not refunded yet"),
  refund_exceeds_payments: () => moreThanPaid(),
  dispute_exceeds_payments: () =>
    new Refusal(
      "refund_too_large",
      "amount: more than what the customer has paid of this invoice in money or paid credits and has not got back, is not getting back and does not dispute already: record its payment first, or dispute less",
    ),
  refund_under_way: () =>
    new Refusal(
      "refund_under_way",
      "it is being made at the provider right now: wait until GET /v1/refunds/{id} says made or failed",
    ),
  refund_made: () =>
    new Refusal(
      "refund_made",
      "the provider gave this money back, and it is booked as such until the provider says that it failed: should the customer owe it, take back the refund that it was paid for, or debit the customer (POST /v1/corrections)",
    ),
  already_returned: () => new Refusal("already_returned", "it is taken back already"),
  dispute_decided: () => new Refusal("dispute_decided", "this dispute is decided already"),
  earnings_held: ({ period }) =>
    new Refusal(
      "earnings_held",
      `what was earned of it in ${period} still waits for customers' payments, or for the days after them: correct it once GET /v1/payees/{id}/balances shows nothing held for ${period}, or refund the invoices that nobody will pay`,
    ),
  correction_booked: () => new Refusal("correction_booked", "this correction is booked already"),
  correction_withdrawn: ({ by }) => withdrawn(`${by}`),
  not_its_author: () =>
    new Refusal(
      "duty_not_allowed",
      "a correction is withdrawn by who proposed it or by somebody who is approver: ask one of them",
    ),
  correction_needs_approval: () =>
    new Refusal(
      "correction_needs_approval",
      "it moves more than its limit: somebody else than its author approves it",
    ),
  approver_made_plan: () =>
    new Refusal("approver_made_plan", "whoever proposed a correction cannot approve it: ask somebody else"),
  repayment_too_large: ({ nanos, currency }) => notOwed(money(currency ?? "", BigInt(nanos ?? "0"))),
  payment_exceeds_debt: ({ nanos, currency }) => noDebt(money(currency ?? "", BigInt(nanos ?? "0"))),
  refund_repaid: () =>
    new Refusal(
      "refund_too_large",
      "what it would give back was paid back elsewhere meanwhile: see the customer's corrections (kind repayment)",
    ),
  write_off_too_large: () =>
    new Refusal("write_off_too_large", "that is more than what the payee's balance is below zero"),
};

export function moreThanPaid(): Refusal {
  return new Refusal(
    "refund_too_large",
    "returned: more than what the customer has paid of this invoice in money or paid credits and has not got back, is not getting back and does not dispute: record its payment first, decide its dispute, or return less",
  );
}

export function withdrawn(by: string): Refusal {
  return new Refusal(
    "proposal_closed",
    `this correction was withdrawn by ${by}: propose it again under another reference`,
  );
}

export function notOwed(owed: Money): Refusal {
  return new Refusal(
    "refund_too_large",
    `amount: more than ${amountInWords(owed)}, which is what the customer is owed and does not get back at the provider or from its bank: see GET /v1/owed-customers, and refund or credit first what it is to get besides`,
  );
}

export function noDebt(owed: Money): Refusal {
  return new Refusal(
    "payment_too_large",
    `amount: more than ${amountInWords(owed)}, which is what the customer owes and no invoice asks for: record an invoice's payment with POST /v1/invoices/{id}/payments, and what is beyond it as a paid credit`,
  );
}

/** What the database refuses, told with what to do. */
export function refusalOf(error: unknown): unknown {
  const refused = refusedByDatabase(error);
  const said = refused === undefined ? undefined : SAID[refused.code];
  return refused === undefined || said === undefined ? error : said(refused.detail);
}
