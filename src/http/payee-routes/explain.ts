import { z } from "zod";
import { Id, ModelId } from "../../catalog/index.ts";
import { Currency } from "../../pricing/index.ts";
import { type ExplainedWaterfall, explainEarnings } from "../../statements/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { Money, PeriodText } from "../schemas.ts";
import { visiblePayee } from "./payees.ts";

const ExactView = z.object({ fraction: z.string().meta({ example: "617/5000" }), amount: z.string() }).meta({
  id: "ExactAmount",
  description: "Exact, in major units: a fraction, and its value cut off at a nano.",
});

const WaterfallView: z.ZodType<ExplainedWaterfall> = z
  .object({
    model: z.string(),
    gross: ExactView,
    steps: z.array(
      z.object({
        take: z.enum(["cost", "platform", "royalty", "shares"]),
        percent: z.string().nullable(),
        of: z.enum(["gross", "remaining"]).nullable(),
        cost: z
          .object({ meter: z.string(), quantity: z.string(), amount: z.string(), per: z.string() })
          .nullable(),
        wanted: ExactView,
        taken: ExactView,
        remaining: ExactView,
        shares: z.array(
          z.object({ payee: z.string().nullable(), weight: z.string(), amount: ExactView.nullable() }),
        ),
        base_model: z.string().nullable(),
        base: z.lazy(() => WaterfallView.nullable()),
      }),
    ),
  })
  .meta({
    id: "Waterfall",
    description:
      "Each step takes of what remains. Other payees' shares are shown by their weight only; a base model's own steps where the payee has a part in them.",
  });

const LineView = z.object({
  booked_period: z.string(),
  split_plan: z.string(),
  events: z.string(),
  usage: z.array(
    z.object({
      meter: z.string(),
      quantity: z.string(),
      price: z.object({ amount: z.string(), per: z.string(), effective_from: z.string() }).nullable(),
      gross: z.string(),
    }),
  ),
  gross: z.string().meta({ description: "Exact decimal, major units." }),
  receivable: Money,
  waterfall: WaterfallView,
  self_dealing: z.boolean(),
  parts: z.array(
    z.object({
      reason: z.string(),
      paid_by: z.string(),
      exact: ExactView,
      earned: Money,
      floored_off_nanos: z.string(),
    }),
  ),
  earned: Money,
});

const getExplanation = defineRoute({
  method: "get",
  path: "/payees/{id}/earnings/explain",
  summary: "How a payee's earnings of one model in one month of service came about, step by step",
  roles: ["operator", "payee"],
  params: z.object({ id: Id }),
  query: z.object({ model: ModelId, period: PeriodText, currency: Currency.optional() }),
  response: z
    .object({
      payee: z.string(),
      model: z.string(),
      period: z.string(),
      currency: z.string(),
      as_of: z.string(),
      total: Money,
      lines: z.array(LineView),
    })
    .meta({ id: "Explanation" }),
  async handle({ params, query, principal, context }) {
    const payee = await visiblePayee(context, principal, params.id);
    const { model, period, currency = payee.defaultCurrency } = query;
    return { body: await explainEarnings(context.sql, params.id, { model, period, currency }) };
  },
});

export const explainRoutes: Route[] = [getExplanation];
