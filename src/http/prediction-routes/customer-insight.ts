import { z } from "zod";
import { Id } from "../../catalog/index.ts";
import { Refusal } from "../../kernel/index.ts";
import { CUSTOMER_DIMENSIONS, type CustomerDimension, customerInsight } from "../../predictions/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { Day, Money } from "../schemas.ts";
import { FeedbackView, LatencyView, RateView } from "./insight.ts";
import { CustomerPath, ModelPath, ownCustomer, ownModel } from "./own-subject.ts";

/** What is read grows with the days. */
const DAYS_MAX = 92;

const Asked = (byDefault: string) =>
  z.object({
    from: Day,
    to: Day,
    group_by: z
      .string()
      .default(byDefault)
      .transform((text) => text.split(","))
      .refine(
        (names) => names.every((name) => (CUSTOMER_DIMENSIONS as readonly string[]).includes(name)),
        `any of ${CUSTOMER_DIMENSIONS.join(", ")}, with commas between`,
      )
      .transform((names) => names as CustomerDimension[]),
  });

const View = z
  .object({
    data: z.array(
      z.object({
        customer: z.string().optional(),
        model: z.string().optional(),
        version: z.string().nullable().optional(),
        day: z.string().optional(),
        hardware: z.string().nullable().optional(),
        predictions: z.int(),
        by_status: z.record(z.string(), z.int()),
        success_rate: RateView.nullable(),
        latency: LatencyView.nullable(),
        predict_seconds: z.number(),
        input_tokens: z.number(),
        output_tokens: z.number(),
        output_tokens_per_second: z.number().nullable(),
        feedback: FeedbackView,
        gross: z.array(Money),
        earned: z.array(Money).nullable().meta({
          description: "What all payees together earn of it, before adjustments; for operators only.",
        }),
      }),
    ),
  })
  .meta({ id: "CustomerInsight" });

const getCustomerInsight = defineRoute({
  method: "get",
  path: "/customers/{id}/insight",
  summary:
    "What a customer used, by model, version, day and hardware: volume, success, percentiles of time, tokens a second, feedback, what is owed",
  roles: ["operator", "customer"],
  params: CustomerPath,
  query: Asked("model,day"),
  response: View,
  async handle({ params, query, principal, context }) {
    const customer = await ownCustomer(context, principal, params);
    const earned = principal.role === "operator";
    const asked = { ...rangeOf(query), customer, model: null, earned };
    return { body: { data: await customerInsight(context.sql, asked) } };
  },
});

const getModelCustomers = defineRoute({
  method: "get",
  path: "/models/{owner}/{name}/insight/customers",
  summary: "How a model did for each of its customers, for operators",
  roles: ["operator"],
  params: ModelPath,
  query: Asked("customer").extend({ customer: Id.optional() }),
  response: View,
  async handle({ params, query, principal, context }) {
    const model = await ownModel(context, principal, params);
    const customer = query.customer ?? null;
    const asked = { ...rangeOf(query), customer, model, earned: true };
    return { body: { data: await customerInsight(context.sql, asked) } };
  },
});

/** @throws Refusal parameter_invalid */
function rangeOf({ from, to, group_by: groupBy }: z.infer<ReturnType<typeof Asked>>) {
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000;
  if (days > DAYS_MAX)
    throw new Refusal("parameter_invalid", `from, to: ${days} days; ask for at most ${DAYS_MAX} at a time`);
  return { from, to, groupBy };
}

export const customerInsightRoutes: Route[] = [getCustomerInsight, getModelCustomers];
