import { z } from "zod";
import { INSIGHT_DIMENSIONS, type InsightDimension, modelInsight } from "../../predictions/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { Day, Money } from "../schemas.ts";
import { ModelPath, ownModel } from "./own-subject.ts";

export const RateView = z
  .object({ value: z.number(), low: z.number(), high: z.number() })
  .meta({ id: "Rate", description: "With the bounds of its 95 % confidence interval." });

export const LatencyView = z
  .object({ predictions: z.int(), p50: RateView, p95: RateView, p99: RateView })
  .meta({
    id: "Latency",
    description: "Seconds that predictions took that succeeded; no percentile is off by more than 1 %.",
  });

export const FeedbackView = z
  .object({ up: z.int(), down: z.int(), ratio: RateView.nullable() })
  .meta({ description: "By the day on which it was given." });

const GroupBy = z
  .string()
  .default("version,day")
  .transform((text) => text.split(","))
  .refine(
    (names) => names.every((name) => (INSIGHT_DIMENSIONS as readonly string[]).includes(name)),
    `any of ${INSIGHT_DIMENSIONS.join(", ")}, with commas between`,
  )
  .transform((names) => names as InsightDimension[]);

const Row = z.object({
  version: z.string().nullable().optional(),
  day: z.string().optional(),
  hardware: z.string().nullable().optional().meta({
    description:
      "Null for what does not tell it, and for a minute or so after the events. Beyond 32 names for one model and day: other.",
  }),
  predictions: z.int(),
  by_status: z.record(z.string(), z.int()),
  success_rate: RateView.nullable(),
  latency: LatencyView.nullable(),
  predict_seconds: z.number(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  output_tokens_per_second: z.number().nullable(),
  feedback: FeedbackView,
  gross: z.array(Money).meta({ description: "What customers owe for it." }),
  earned: z
    .array(Money)
    .nullable()
    .meta({ description: "What the payee who asks earns of it; null for operators." }),
});

const Comparison = z.object({
  version: z.string().nullable(),
  predictions: z.int(),
  customers: z.int().nullable().meta({ description: "In the months asked for; null for fewer than five." }),
  success_rate: RateView.nullable(),
  latency: LatencyView.nullable(),
  feedback_ratio: RateView.nullable(),
  difference: RateView.nullable().meta({
    description:
      "Success, less that of the version that ran most; with zero between its bounds no difference is shown.",
  }),
  latency_difference: z
    .object({ p50: RateView.nullable(), p95: RateView.nullable(), p99: RateView.nullable() })
    .nullable(),
  feedback_difference: RateView.nullable(),
});

const getInsight = defineRoute({
  method: "get",
  path: "/models/{owner}/{name}/insight",
  summary:
    "How a model's versions did, by day or hardware, and beside each other: volume, success, percentiles of time, tokens a second, feedback, gross, earnings",
  roles: ["operator", "payee"],
  params: ModelPath,
  query: z.object({ from: Day, to: Day, group_by: GroupBy }),
  response: z
    .object({ model: z.string(), data: z.array(Row), versions: z.array(Comparison) })
    .meta({ id: "Insight" }),
  async handle({ params, query, principal, context }) {
    const model = await ownModel(context, principal, params);
    const { from, to, group_by: groupBy } = query;
    const payee = principal.role === "payee" ? principal.payee : null;
    return {
      body: { model, ...(await modelInsight(context.sql, { model, from, to, payee, groupBy })) },
    };
  },
});

export const insightRoutes: Route[] = [getInsight];
