import { z } from "zod";
import { refundOfPrediction } from "../../adjustments/index.ts";
import { parsePeriod, Refusal } from "../../kernel/index.ts";
import { feedbackOf, findPayload, findRule } from "../../predictions/index.ts";
import { findPredictions, type PredictionView, payersOf } from "../../statements/index.ts";
import type { AppContext } from "../context.ts";
import type { Principal } from "../keys/principal.ts";
import { defineRoute, type Route } from "../route.ts";
import { Money } from "../schemas.ts";

export const OpinionView = z.object({
  author: z
    .string()
    .nullable()
    .meta({ description: "The end user, as the customer names it; null for the customer." }),
  thumb: z.enum(["up", "down"]).nullable(),
  score: z.int().nullable(),
  labels: z.array(z.string()),
  text: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
});

/** What came with a prediction; everything is null where nothing is kept, or not shown to who asks. */
export const PayloadView = z.object({
  payload: z.object({
    state: z.enum(["kept", "none", "private"]),
    expires_at: z.string().nullable().meta({ description: "Null under a legal hold." }),
  }),
  input: z.unknown(),
  output: z.unknown(),
  logs: z.unknown(),
  error: z.unknown(),
  metrics: z.record(z.string(), z.number()).nullable(),
  hardware: z.string().nullable(),
  created_at: z.string().nullable(),
  started_at: z.string().nullable(),
});

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
    refund: z.object({ id: z.string(), reason: z.string(), made_at: z.string() }).nullable().meta({
      description:
        "It was refunded: its customer owes nothing for it, and everybody gave back what they earned of it. Refunds of an invoice, or of an amount of it, are of no prediction in particular.",
    }),
    ...PayloadView.shape,
    feedback: z.array(OpinionView),
  })
  .meta({ id: "Prediction" });

const getPrediction = defineRoute({
  method: "get",
  path: "/predictions/{id}",
  summary:
    "One prediction: what came in and out, its usage, price, gross, who earned what of it, and feedback",
  roles: ["operator", "payee", "customer"],
  params: z.object({ id: z.string().min(1).max(256) }),
  query: z.object({ source: z.string().min(1).max(512).optional() }),
  response: View,
  async handle({ params, query, principal, context }) {
    const { seen, whole } = await visiblePrediction(context, principal, params.id, query.source);
    const { source, id } = whole;
    const open = await mayRead(context, principal, whole);
    const { customer, gross } = whole;
    const booked_period = parsePeriod(whole.booked_period ?? "");
    const [refund = null, payload, feedback] = await Promise.all([
      booked_period &&
        gross &&
        refundOfPrediction(context.sql, { source, id, customer, currency: gross.currency, booked_period }),
      open ? payloadView(context, source, id) : PRIVATE,
      open ? feedbackOf(context.sql, context.payloads.keys, { source, id }) : [],
    ]);
    const hardware = seen.hardware ?? payload.hardware;
    return { body: { ...seen, refund, ...payload, hardware, feedback } };
  },
});

/** What of a prediction a caller may see; and all of it. @throws Refusal not_found, identity_ambiguous */
export async function visiblePrediction(
  context: AppContext,
  principal: Principal,
  id: string,
  source?: string,
) {
  const found = await findPredictions(context.sql, id, source);
  const views = await Promise.all(
    found.map(async (whole) => ({ whole, seen: await asSeenBy(context, principal, whole) })),
  );
  const [visible, another] = views.flatMap(({ whole, seen }) =>
    seen === undefined ? [] : [{ whole, seen }],
  );
  if (visible === undefined) throw new Refusal("not_found", `there is no prediction ${id}`);
  if (another !== undefined) {
    throw new Refusal(
      "identity_ambiguous",
      "several sources have a prediction with this id: name one with ?source=",
    );
  }
  return visible;
}

const NOTHING = {
  input: null,
  output: null,
  logs: null,
  error: null,
  metrics: null,
  hardware: null,
  created_at: null,
  started_at: null,
};
const PRIVATE = { payload: { state: "private" as const, expires_at: null }, ...NOTHING };

export async function payloadView(
  context: AppContext,
  source: string,
  id: string,
): Promise<z.infer<typeof PayloadView>> {
  const found = await findPayload(context.payloads, source, id);
  if (found === undefined) return { payload: { state: "none", expires_at: null }, ...NOTHING };
  return { ...NOTHING, ...found.payload, payload: { state: "kept", expires_at: found.expires_at } };
}

/** What was said is its customer's; the customer may let creators of the model that ran read it, those of its base not. */
async function mayRead(context: AppContext, principal: Principal, whole: PredictionView): Promise<boolean> {
  if (principal.role !== "payee") return true;
  const shares = whole.earnings.some(
    ({ payee, reason, paid_by }) =>
      payee === principal.payee && reason === "share" && paid_by === whole.model,
  );
  const creator = shares || (await ownsModel(context, principal, whole.model));
  return (
    creator && (await findRule(context.sql, { kind: "customer", subject: whole.customer })).creators_read
  );
}

async function ownsModel(context: AppContext, principal: Principal, model: string): Promise<boolean> {
  const known = (await context.catalog.current()).models.get(model);
  return known?.lineage.at(-1)?.payee === principal.payee;
}

/**
 * Each sees its own: a customer its usage, a payee its part (not who the customer is) and what is paid out of its earnings, an operator
 * everything.
 */
async function asSeenBy(
  context: AppContext,
  principal: Principal,
  prediction: PredictionView,
): Promise<(Omit<PredictionView, "customer"> & { customer: string | null }) | undefined> {
  if (principal.role === "operator") return prediction;
  if (principal.role === "customer") {
    return prediction.customer === principal.customer ? { ...prediction, earnings: [] } : undefined;
  }
  const earnings = prediction.earnings.filter((part) => part.payee === principal.payee);
  const [payer] = await payersOf(context.sql, [prediction]);
  if (payer === principal.payee) return { ...prediction, earnings };
  const owns = await ownsModel(context, principal, prediction.model);
  return earnings.length > 0 || owns ? { ...prediction, customer: null, earnings } : undefined;
}

export const predictionRoutes: Route[] = [getPrediction];
