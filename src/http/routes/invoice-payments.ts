import { z } from "zod";
import { recordInvoicePaid, releaseRules, setReleaseRule } from "../../billing/index.ts";
import { money, parseInstant, parseNanos, Refusal } from "../../kernel/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { Money, PeriodText } from "../schemas.ts";
import { visibleInvoice } from "./invoices.ts";

const roles = ["operator"] as const;

const pay = defineRoute({
  method: "post",
  path: "/invoices/{id}/payments",
  summary: "Record money that came for an invoice elsewhere; the same reference is recorded once",
  roles,
  params: z.object({ id: z.string() }),
  body: z.strictObject({
    amount: z.string().meta({ example: "12.34" }),
    reference: z.string().min(1).max(200).meta({ description: "The bank's or the payer's name for it." }),
    paid_at: z
      .string()
      .refine((text) => parseInstant(text) !== undefined, "an RFC 3339 time")
      .optional()
      .meta({ description: "Now, when it is left out. The hold counts from here." }),
  }),
  status: 201,
  response: z.object({ invoice: z.string(), reference: z.string(), paid: Money, left: Money }),
  async handle({ params, body, principal, context }) {
    const invoice = await visibleInvoice(context, principal, params.id);
    const amountNanos = parseNanos(body.amount);
    if (amountNanos === undefined)
      throw new Refusal("body_invalid", "amount: a decimal amount such as 12.34");
    const { reference, paid_at } = body;
    const paidAt = paid_at === undefined ? new Date() : new Date(paid_at);
    const left = await recordInvoicePaid(context.sql, {
      invoice: invoice.id,
      amountNanos,
      reference,
      by: principal.id,
      paidAt,
    });
    const { currency } = invoice;
    return {
      body: {
        invoice: invoice.id,
        reference,
        paid: money(currency, amountNanos),
        left: money(currency, left),
      },
    };
  },
});

const Rule = z.strictObject({
  from: PeriodText.meta({ description: "An open books period: the rule is for it and those after it." }),
  rule: z.enum(["at_close", "on_payment"]),
  hold_days: z.int().min(0).max(365).default(0),
});

const setRule = defineRoute({
  method: "put",
  path: "/release-rule",
  summary:
    "When earnings become payable: at close (the default), or when the customer has paid, after a hold of days",
  roles,
  body: Rule,
  response: Rule,
  async handle({ body, principal, context }) {
    await setReleaseRule(context.sql, body, principal.id);
    return { body };
  },
});

const getRules = defineRoute({
  method: "get",
  path: "/release-rule",
  summary: "The release rules that were set, the latest first; before them, and without any, it is at close",
  roles,
  response: z.object({ data: z.array(Rule) }),
  handle: async ({ context }) => ({ body: { data: await releaseRules(context.sql) } }),
});

export const invoicePaymentRoutes: Route[] = [pay, setRule, getRules];
