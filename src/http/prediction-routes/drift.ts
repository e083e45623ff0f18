import { z } from "zod";
import { Refusal } from "../../kernel/index.ts";
import { DRIFT_FIGURES, deleteDriftRule, findDrift, setDriftRule } from "../../predictions/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { ModelPath, ownModel } from "./own-subject.ts";

const roles = ["operator", "payee"] as const;
const Threshold = z.number().min(0).max(1000);
const Days = z.object({ from: z.string(), to: z.string() });

const Rule = z
  .strictObject({
    window_days: z.int().min(1).max(28).default(1).meta({ description: "The last complete days …" }),
    baseline_days: z.int().min(1).max(90).default(14).meta({
      description: "… are compared with so many before them; volume and tokens a second take five.",
    }),
    predictions_min: z
      .int()
      .min(1)
      .max(1_000_000_000)
      .default(200)
      .meta({ description: "On both sides; of fewer nothing is said." }),
    thresholds: z
      .partialRecord(z.enum(DRIFT_FIGURES), Threshold)
      .refine((set) => Object.keys(set).length > 0, "name at least one figure")
      .meta({
        description:
          "From which difference on: of success_rate the difference itself (0.02: two points), of the others parts of what it was (0.2: a fifth).",
        example: { success_rate: 0.02, latency_p95: 0.2, volume: 0.5 },
      }),
  })
  .meta({ id: "DriftRule" });

const Drifting = z.object({
  version: z.string().nullable().meta({ description: "Null for all together." }),
  figure: z.enum(DRIFT_FIGURES),
  direction: z.enum(["up", "down"]),
  before: z.number(),
  now: z.number(),
  difference: z
    .object({ value: z.number(), low: z.number(), high: z.number() })
    .meta({ description: "With the bounds of its 95 % confidence interval." }),
  threshold: z.number(),
  compared_with: z
    .string()
    .nullable()
    .meta({ description: "The version that ran most before, where this one had not run enough." }),
  window: Days,
  baseline: Days,
  since_day: z.string(),
});

const View = z
  .object({
    model: z.string(),
    rule: Rule.nullable(),
    looked_at_day: z.string().nullable(),
    drifting: z.array(Drifting),
  })
  .meta({ id: "Drift" });

const getDrift = defineRoute({
  method: "get",
  path: "/models/{owner}/{name}/drift",
  summary: "When a model's owner is told that its predictions are not what they were, and what differs now",
  roles,
  params: ModelPath,
  response: View,
  async handle({ params, principal, context }) {
    const model = await ownModel(context, principal, params);
    return { body: { model, ...(await findDrift(context.sql, model)) } };
  },
});

const putDrift = defineRoute({
  method: "put",
  path: "/models/{owner}/{name}/drift",
  summary:
    "Be told (webhook model.drift) when success, times, volume or speed differ from the days before by more than this, beyond chance",
  roles,
  params: ModelPath,
  body: Rule,
  response: View,
  async handle({ params, body, principal, context }) {
    const model = await ownModel(context, principal, params);
    await setDriftRule(context.sql, model, body, principal.id);
    return { body: { model, ...(await findDrift(context.sql, model)) } };
  },
});

const removeDrift = defineRoute({
  method: "delete",
  path: "/models/{owner}/{name}/drift",
  summary: "Be told no longer",
  roles,
  params: ModelPath,
  status: 204,
  response: z.null(),
  async handle({ params, principal, context }) {
    const model = await ownModel(context, principal, params);
    if (!(await deleteDriftRule(context.sql, model)))
      throw new Refusal("not_found", `nothing is said about drift of ${model}`);
    return { body: null };
  },
});

export const driftRoutes: Route[] = [getDrift, putDrift, removeDrift];
