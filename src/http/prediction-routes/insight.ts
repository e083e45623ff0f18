import { z } from "zod";
import { Id } from "../../catalog/index.ts";
import { modelInsight } from "../../predictions/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { Day } from "../schemas.ts";
import { ownModel } from "./retention.ts";

const RateView = z
  .object({ value: z.number(), low: z.number(), high: z.number() })
  .meta({ id: "Rate", description: "With the bounds of its 95 % confidence interval." });

const getInsight = defineRoute({
  method: "get",
  path: "/models/{owner}/{name}/insight",
  summary: "How a model's versions did, day by day, and beside each other: volume, success, tokens a second",
  roles: ["operator", "payee"],
  params: z.object({ owner: Id, name: Id }),
  query: z.object({ from: Day, to: Day }),
  response: z
    .object({
      model: z.string(),
      data: z.array(
        z.object({
          version: z.string().nullable(),
          day: z.string(),
          predictions: z.int(),
          by_status: z.record(z.string(), z.int()),
          success_rate: RateView.nullable(),
          predict_seconds: z.number(),
          input_tokens: z.number(),
          output_tokens: z.number(),
          output_tokens_per_second: z.number().nullable(),
        }),
      ),
      versions: z.array(
        z.object({
          version: z.string().nullable(),
          predictions: z.int(),
          success_rate: RateView.nullable(),
          difference: RateView.nullable().meta({
            description: "To the version that ran most; with zero between its bounds no difference is shown.",
          }),
        }),
      ),
    })
    .meta({ id: "Insight" }),
  async handle({ params, query, principal, context }) {
    const model = await ownModel(context, principal, params);
    return { body: { model, ...(await modelInsight(context.sql, model, query)) } };
  },
});

export const insightRoutes: Route[] = [getInsight];
