import { randomBytes } from "node:crypto";
import { amountInWords, contentHash, money, type Nanos, Refusal } from "../../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../../postgres/index.ts";
import { prepareAccounts } from "../spend/limits.ts";
import type { CreditKind } from "./credit.ts";

export interface NewCredit {
  customer: string;
  currency: string;
  amountNanos: Nanos;
  kind: CreditKind;
  /** Among grants that expire together the smaller is used first. */
  priority: number;
  expiresAt: Date | null;
  reason: string;
  /** Of a paid one: the payer's or the bank's name for the money. The same one is granted once. */
  reference: string | null;
  by: string;
  /** The request's own name: repeated, it is the same grant. */
  requestKey: string | undefined;
}

/**
 * Grants credit to a customer, in one statement: a paid one against what was received, a promotional one at the platform's
 * expense. The same request, or the same reference, again is the same grant. Answers its id.
 * @throws Refusal not_found or credit_differs
 */
export async function grantCredit(sql: Sql, credit: NewCredit): Promise<string> {
  await prepareAccounts(sql);
  const { customer, currency, amountNanos, kind, priority, expiresAt, reason, reference, by } = credit;
  try {
    const [row] = await sql<[{ id: string }]>`
      SELECT grant_credit(${idOf(credit)}, ${customer}, ${currency}, ${amountNanos.toString()}, ${kind}, ${priority},
        ${expiresAt}, ${reason}, ${reference}, ${by}) AS id`;
    return row.id;
  } catch (error) {
    throw refusalOf(error, customer);
  }
}

/** From the request's name, so that a request that was cut off and sent again grants nothing twice. */
function idOf({ by, customer, requestKey }: NewCredit): string {
  if (requestKey === undefined) return `cr_${randomBytes(12).toString("hex")}`;
  return `cr_${contentHash({ by, customer, requestKey }).slice(0, 24)}`;
}

function refusalOf(error: unknown, customer: string): unknown {
  const refused = refusedByDatabase(error);
  if (refused?.code === "customer_unknown")
    return new Refusal("not_found", `there is no customer ${customer}`);
  if (refused?.code !== "grant_differs") return error;
  const { id, customer: granted, currency, nanos } = refused.detail;
  return new Refusal(
    "credit_differs",
    `this reference, or this request, granted ${amountInWords(money(currency ?? "", BigInt(nanos ?? "0")))} to ${granted} before, as ${id}: use another reference for another payment`,
  );
}
