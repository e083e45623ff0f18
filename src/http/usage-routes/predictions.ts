import { z } from "zod";
import { Refusal } from "../../kernel/index.ts";
import { findPredictions, type PredictionView } from "../../statements/index.ts";
import type { AppContext } from "../context.ts";
import type { Principal } from "../keys/principal.ts";
import { defineRoute, type Route } from "../route.ts";
import { Money } from "../schemas.ts";

const View = z
  .object({
    id: z.string(),
    source: z.string(),
    model: z.string(),
    version: z.string().nullable(),
    customer: z.string().nullable(),
    status: z.string(),
    occurred_at: z.string(),
    parent: z.string().nullable(),
    state: z.enum(["metered", "parked"]),
    waits_for: z.string().nullable(),
    booked_period: z.string().nullable(),
    charged: z.boolean().nullable(),
    usage: z.array(
      z.object({
        meter: z.string(),
        quantity: z.string(),
        price: z.object({ amount: z.string(), per: z.string() }).nullable(),
        gross: Money.nullable(),
      }),
    ),
    gross: Money.nullable(),
    earnings: z.array(
      z.object({ payee: z.string().nullable(), reason: z.string(), paid_by: z.string(), earned: Money }),
    ),
  })
  .meta({ id: "Prediction" });

const getPrediction = defineRoute({
  method: "get",
  path: "/predictions/{id}",
  summary: "One prediction: its usage, price, gross, and who earned what of it",
  roles: ["operator", "payee", "customer"],
  params: z.object({ id: z.string().min(1).max(256) }),
  query: z.object({ source: z.string().min(1).max(512).optional() }),
  response: View,
  async handle({ params, query, principal, context }) {
    const found = await findPredictions(context.sql, params.id, query.source);
    const seen = await Promise.all(found.map((prediction) => asSeenBy(context, principal, prediction)));
    const [prediction, another] = seen.filter((view) => view !== undefined);
    if (prediction === undefined) throw new Refusal("not_found", `there is no prediction ${params.id}`);
    if (another !== undefined) {
      throw new Refusal(
        "identity_ambiguous",
        "several sources have a prediction with this id: name one with ?source=",
      );
    }
    return { body: prediction };
  },
});

/** Each sees its own: a customer its usage, a payee its part (not who the customer is), an operator everything. */
async function asSeenBy(
  context: AppContext,
  principal: Principal,
  prediction: PredictionView,
): Promise<z.infer<typeof View> | undefined> {
  if (principal.role === "operator") return prediction;
  if (principal.role === "customer") {
    return prediction.customer === principal.customer ? { ...prediction, earnings: [] } : undefined;
  }
  const earnings = prediction.earnings.filter((part) => part.payee === principal.payee);
  const model = (await context.catalog.current()).models.get(prediction.model);
  const owns = model?.lineage.at(-1)?.payee === principal.payee;
  return earnings.length > 0 || owns ? { ...prediction, customer: null, earnings } : undefined;
}

export const predictionRoutes: Route[] = [getPrediction];
