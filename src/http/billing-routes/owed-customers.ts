import { z } from "zod";
import { type OwedCustomer, owedCustomers } from "../../billing/index.ts";
import { csv } from "../../kernel/index.ts";
import { Currency } from "../../pricing/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { Money, PageQuery, page, pageOf } from "../schemas.ts";
import { CustomerAccount } from "./spend.ts";

/** As many as a catalogue import takes. */
const EVERYBODY_MAX = 100_000;

const list = defineRoute({
  method: "get",
  path: "/owed-customers",
  summary:
    "Customers who are owed money: what refunds and corrections left in their favour, which no invoice takes, and what they overpaid; as text/csv all at once",
  roles: ["operator"],
  query: PageQuery.extend({
    currency: Currency.optional(),
    cursor: z
      .string()
      .regex(/^\S{1,200} [A-Z]{3}$/, "the next_cursor of an earlier answer")
      .optional(),
  }),
  offers: ["text/csv"],
  response: pageOf(
    z
      .object({
        customer: z.string(),
        name: z.string(),
        ...CustomerAccount.shape,
        repayable: Money.meta({
          description:
            "What may be paid back elsewhere now (POST /v1/corrections with kind repayment), in whole steps of the currency: not what is on its way back at the payment provider, nor what an open dispute may take.",
        }),
        overpaid: Money.meta({
          description:
            "What is left of what the payment provider received beyond what was asked for: a paid credit, which the next invoices take. Who wants it back gets it elsewhere, and its credit is revoked (POST /v1/corrections with kind revocation).",
        }),
      })
      .meta({ id: "OwedCustomer" }),
  ),
  async handle({ query: { currency, cursor, limit }, context: { sql }, accepts }) {
    if (accepts === "text/csv") {
      const bytes = owedCsv(await owedCustomers(sql, { currency, limit: EVERYBODY_MAX }));
      return { body: null, file: { type: accepts, name: "owed-customers.csv", bytes } };
    }
    const found = await owedCustomers(sql, { currency, after: cursor, limit: limit + 1 });
    return { body: page(found, limit, ({ customer, currency }) => `${customer} ${currency}`) };
  },
});

function owedCsv(customers: readonly OwedCustomer[]): string {
  const lines = customers.map(
    ({ customer, name, currency, owed, invoiced, on_account, repayable, overpaid }) => [
      ...[customer, name, currency],
      ...[owed, invoiced, on_account, repayable, overpaid].map(({ amount }) => amount),
    ],
  );
  return csv([
    ["customer", "name", "currency", "owed", "invoiced", "on_account", "repayable", "overpaid"],
    ...lines,
  ]);
}

export const owedCustomerRoutes: Route[] = [list];
