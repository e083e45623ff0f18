import { z } from "zod";
import {
  customerAccounts,
  customerSpend,
  LIMIT_PERIODS,
  SPEND_GROUPS,
  type SpendGroup,
  type SpendStanding,
  setSpendLimits,
  spendStandings,
} from "../../billing/index.ts";
import { money, type Nanos, Refusal } from "../../kernel/index.ts";
import { Currency } from "../../pricing/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { AmountNanos, Money, PeriodText } from "../schemas.ts";
import { CustomerPath, requireCustomer } from "./customers.ts";

const Exact = z.string().meta({ example: "12.3456789012", description: "Major units, an exact decimal." });

const Standing = z
  .object({
    currency: Currency,
    limits: z.object({
      period: z.enum(LIMIT_PERIODS),
      soft: Money.nullable(),
      hard: Money.nullable(),
      prepaid: z.boolean(),
    }),
    spent: Exact.meta({ description: "In the limits' period: this calendar month (UTC), or ever." }),
    reserved: Money.meta({ description: "For predictions that were authorized and are not counted yet." }),
    limit_left: Money.nullable().meta({ description: "hard − spent − reserved; null without a hard limit." }),
    credits: z.object({
      balance: Money.meta({ description: "What is left of the credits in the books." }),
      unbilled: Exact.meta({ description: "Used and not invoiced yet." }),
      left: Money.meta({ description: "balance − unbilled − reserved" }),
    }),
  })
  .meta({ id: "SpendStanding" });

export const CustomerAccount = z
  .object({
    currency: Currency,
    owed: Money.meta({
      description: "What the customer owes for closed months; less than nothing: what it is owed.",
    }),
    invoiced: Money.meta({ description: "What its invoices still ask for." }),
    on_account: Money.meta({
      description:
        "invoiced − owed: what refunds and corrections left in the customer's favour, which no invoice takes. Less than nothing: what it owes and no invoice asks for, or not yet, such as what is below an invoice's smallest step.",
    }),
  })
  .meta({ id: "CustomerAccount" });

function standingView(one: SpendStanding): z.infer<typeof Standing> {
  const { currency, period, prepaid, spent, unbilled } = one;
  const amount = (nanos: Nanos) => money(currency, nanos);
  const orNull = (nanos: Nanos | null) => (nanos === null ? null : amount(nanos));
  return {
    currency,
    limits: { period, prepaid, soft: orNull(one.softNanos), hard: orNull(one.hardNanos) },
    spent,
    reserved: amount(one.reservedNanos),
    limit_left: orNull(one.limitLeftNanos),
    credits: { balance: amount(one.creditNanos), unbilled, left: amount(one.creditLeftNanos) },
  };
}

const GroupBy = z
  .string()
  .default("")
  .transform((text) => (text === "" ? [] : text.split(",")))
  .refine(
    (names) => names.every((name) => (SPEND_GROUPS as readonly string[]).includes(name)),
    `any of ${SPEND_GROUPS.join(", ")}, with commas between`,
  )
  .transform((names) => names as SpendGroup[])
  .meta({ example: "model,month" });

const getSpend = defineRoute({
  method: "get",
  path: "/customers/{id}/spend",
  summary:
    "What a customer has used, live and exact, and what is left of its limits and credits; how it stands in the books",
  // It counts first what is metered and not counted yet.
  asOwner: true,
  roles: ["operator", "customer"],
  params: CustomerPath,
  query: z.object({
    from: PeriodText.optional().meta({ description: "The first month of use (UTC)." }),
    to: PeriodText.optional().meta({ description: "The month after the last one." }),
    group_by: GroupBy,
  }),
  response: z.object({
    as_of: z.string().meta({ description: "Everything metered before is in." }),
    data: z.array(
      z.object({
        currency: Currency,
        model: z.string().optional(),
        month: z.string().optional(),
        version: z.string().optional(),
        events: z.string().meta({ description: "Charged predictions." }),
        gross: Exact,
      }),
    ),
    standings: z.array(Standing).meta({ description: "In each currency with credits or limits." }),
    accounts: z.array(CustomerAccount).meta({ description: "In each currency in which a month was closed." }),
  }),
  async handle({ params, query, principal, context }) {
    await requireCustomer(context, principal, params.id);
    const { from, to, group_by } = query;
    if (from !== undefined && to !== undefined && from >= to)
      throw new Refusal("parameter_invalid", "to: a month after from");
    const bounds = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { until: to }) };
    const standings = await spendStandings(context.sql, params.id);
    const { asOf, lines } = await customerSpend(context.sql, params.id, { ...bounds, groupBy: group_by });
    const accounts = await customerAccounts(context.sql, params.id);
    return {
      body: { as_of: asOf.toISOString(), data: lines, standings: standings.map(standingView), accounts },
    };
  },
});

const putLimits = defineRoute({
  method: "put",
  path: "/customers/{id}/spend-limits",
  summary: "Set what a customer may spend in a currency, as a whole: what is left out is not limited",
  roles: ["operator"],
  params: CustomerPath,
  body: z
    .strictObject({
      currency: Currency,
      period: z.enum(LIMIT_PERIODS).default("month"),
      soft: AmountNanos.nullable()
        .default(null)
        .meta({ description: "The customer's endpoints are told when it is reached." }),
      hard: AmountNanos.nullable()
        .default(null)
        .meta({ description: "Told too, and nothing is authorized beyond it." }),
      prepaid: z
        .boolean()
        .default(false)
        .meta({ description: "Nothing is authorized that credits do not cover." }),
    })
    .refine(({ soft, hard }) => soft === null || hard === null || soft <= hard, {
      path: ["soft"],
      error: "at most the hard limit",
    }),
  response: Standing,
  async handle({ params, body, principal, context }) {
    await requireCustomer(context, principal, params.id);
    const { currency, period, soft, hard, prepaid } = body;
    await setSpendLimits(context.sql, params.id, {
      currency,
      period,
      softNanos: soft,
      hardNanos: hard,
      prepaid,
    });
    const standings = await spendStandings(context.sql, params.id);
    const standing = standings.find((one) => one.currency === currency);
    if (standing === undefined) throw new Refusal("not_found", `there is no customer ${params.id}`);
    return { body: standingView(standing) };
  },
});

export const spendRoutes: Route[] = [getSpend, putLimits];
