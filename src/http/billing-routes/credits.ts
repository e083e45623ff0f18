import { z } from "zod";
import { CREDIT_KINDS, grantCredit, listCredits } from "../../billing/index.ts";
import { Time } from "../../catalog/index.ts";
import { invalidField, present } from "../../kernel/index.ts";
import { Currency } from "../../pricing/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { AmountNanos, Money, PageQuery, page, pageOf } from "../schemas.ts";
import { MoneyReference } from "./adjustment-schemas.ts";
import { CustomerPath, requireCustomer } from "./customers.ts";

const CreditView = z
  .object({
    id: z.string(),
    customer: z.string(),
    currency: Currency,
    kind: z.enum(CREDIT_KINDS),
    amount: Money.meta({ description: "amount = used + expired + revoked + left" }),
    used: Money,
    expired: Money,
    revoked: Money.meta({ description: "Taken back by an operator: a correction of the kind revocation." }),
    left: Money,
    priority: z.int(),
    expires_at: z.string().nullable(),
    reason: z.string(),
    reference: z.string().nullable(),
    granted_at: z.string(),
  })
  .meta({ id: "Credit" });

const NewCredit = z
  .strictObject({
    amount: AmountNanos.refine((nanos) => nanos > 0n, "more than nothing"),
    currency: Currency,
    kind: z.enum(CREDIT_KINDS).meta({
      description: "paid: for money that came; promotional: at the platform's expense.",
    }),
    expires_at: Time.optional().meta({ description: "Never, when it is left out." }),
    priority: z
      .int()
      .min(0)
      .max(1000)
      .default(100)
      .meta({ description: "Among credits that expire together the smaller is used first." }),
    reason: z.string().min(1).max(500),
    reference: MoneyReference.optional().meta({
      description: "For a paid one: the bank's or the payer's name for the money. It is granted once.",
    }),
  })
  .refine(({ kind, reference }) => (kind === "paid") === (reference !== undefined), {
    path: ["reference"],
    error: "say it for a paid credit, and only there: the name of the money that came",
  });

const postCredit = defineRoute({
  method: "post",
  path: "/customers/{id}/credits",
  summary: "Grant a customer credit, which pays its invoices before anybody is asked for money",
  roles: ["operator"],
  params: CustomerPath,
  body: NewCredit,
  status: 201,
  response: CreditView,
  async handle({ params, body, principal, context }, request) {
    await requireCustomer(context, principal, params.id);
    const { amount, expires_at, reference, ...rest } = body;
    const expiresAt = expires_at === undefined ? null : new Date(expires_at);
    if (expiresAt !== null && expiresAt.getTime() <= Date.now())
      throw invalidField("expires_at", "a time to come, or leave it out");
    const id = await grantCredit(context.sql, {
      ...rest,
      customer: params.id,
      amountNanos: amount,
      expiresAt,
      reference: reference ?? null,
      by: principal.id,
      requestKey: request.get("Idempotency-Key"),
    });
    const [credit] = await listCredits(context.sql, params.id, { id, limit: 1 });
    return { body: present(credit, "the credit just granted") };
  },
});

const getCredits = defineRoute({
  method: "get",
  path: "/customers/{id}/credits",
  summary: "A customer's credits in the order in which they are used; a customer sees its own",
  roles: ["operator", "customer"],
  params: CustomerPath,
  query: PageQuery,
  response: pageOf(CreditView),
  async handle({ params, query: { limit, cursor }, principal, context }) {
    await requireCustomer(context, principal, params.id);
    const after = cursor === undefined ? {} : { after: cursor };
    const credits = await listCredits(context.sql, params.id, { limit: limit + 1, ...after });
    return { body: page(credits, limit, ({ id }) => id) };
  },
});

export const creditRoutes: Route[] = [postCredit, getCredits];
