import { z } from "zod";
import { Id, ModelId, Time } from "../../catalog/index.ts";
import { formatInstant, formatScaled, money, parseInstant, present, Refusal } from "../../kernel/index.ts";
import { meterScale } from "../../pricing/index.ts";
import { type ListedPrediction, listPredictions } from "../../statements/index.ts";
import type { Principal } from "../keys/principal.ts";
import { defineRoute, type Route } from "../route.ts";
import { Money, page, pageOf } from "../schemas.ts";

const DAY_MICROS = 86_400_000_000n;
/** What is read grows with the days. */
const DAYS_MAX = 92n;
const DAYS_UNLESS_ASKED = 30n;

const Asked = z.object({
  from: Time.optional().meta({
    description: "By when they were made; half-open. 30 days before `to` unless it says otherwise.",
  }),
  to: Time.optional().meta({ description: "Now, unless it says otherwise; at most 92 days after `from`." }),
  model: ModelId.optional(),
  version: z.string().min(1).max(256).optional(),
  status: z.enum(["succeeded", "failed", "canceled", "aborted"]).optional(),
  customer: Id.optional().meta({ description: "For operators; a customer sees its own in any case." }),
  payee: Id.optional().meta({
    description:
      "For operators: those that this payee earns of or whose model is its own, with what it earns.",
  }),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z
    .string()
    .regex(/^\d{1,18}$/, "the next_cursor of an earlier answer")
    .optional(),
});

const View = z
  .object({
    id: z.string(),
    source: z.string(),
    model: z.string(),
    version: z.string().nullable(),
    customer: z.string().nullable().meta({ description: "Not shown to payees." }),
    status: z.string(),
    occurred_at: z.string(),
    parent: z.string().nullable(),
    hardware: z.string().nullable(),
    predict_seconds: z.string().nullable(),
    input_tokens: z.string().nullable(),
    output_tokens: z.string().nullable(),
    charged: z.boolean(),
    gross: Money,
    earned: Money.nullable().meta({
      description: "What the payee who asks, or is asked about, earns of it; null where there is none.",
    }),
  })
  .meta({ id: "ListedPrediction" });

const getPredictions = defineRoute({
  method: "get",
  path: "/predictions",
  summary:
    "Predictions, those that were metered last first: a customer's own, those that a payee earns of or whose model is its own, or everybody's. What waits for the catalogue is not among them",
  roles: ["operator", "payee", "customer"],
  query: Asked,
  response: pageOf(View),
  async handle({ query, principal, context }) {
    const { model = null, version = null, status = null, cursor: before = null, limit } = query;
    const sought = { ...rangeOf(query), ...whose(principal, query), model, version, status, before };
    const rows = await listPredictions(context.sql, { ...sought, limit: limit + 1 });
    const { data, next_cursor } = page(rows, limit, ({ eventNo }) => eventNo);
    return { body: { data: data.map((one) => view(one, principal)), next_cursor } };
  },
});

/** @throws Refusal parameter_invalid */
function rangeOf(asked: Pick<z.infer<typeof Asked>, "from" | "to">) {
  const to = present(parseInstant(asked.to ?? new Date().toISOString()), "a time");
  const from =
    asked.from === undefined
      ? to - DAYS_UNLESS_ASKED * DAY_MICROS
      : present(parseInstant(asked.from), "a time");
  if (to - from > DAYS_MAX * DAY_MICROS)
    throw new Refusal("parameter_invalid", `from, to: ask for at most ${DAYS_MAX} days at a time`);
  return { from, to };
}

/** @throws Refusal role_not_allowed */
function whose({ role, payee, customer }: Principal, asked: z.infer<typeof Asked>) {
  const foreign = asked.customer !== undefined && asked.customer !== customer ? "customer" : null;
  const other = asked.payee !== undefined && asked.payee !== payee ? "payee" : foreign;
  if (role !== "operator" && other !== null)
    throw new Refusal(
      "role_not_allowed",
      `${other}: leave it out; only an operator lists another one's predictions`,
    );
  if (role === "customer") return { customer, payee: null };
  if (role === "payee") return { customer: null, payee };
  return { customer: asked.customer ?? null, payee: asked.payee ?? null };
}

function view(one: ListedPrediction, { role }: Principal): z.infer<typeof View> {
  const { id, source, parent, hardware, term, predictMicros } = one;
  const { model, version, status, charged, currency } = term;
  return {
    ...{
      id,
      source,
      model,
      version: version || null,
      customer: role === "payee" ? null : one.customer,
      status,
    },
    ...{ occurred_at: formatInstant(one.occurredAt), parent, hardware },
    predict_seconds:
      predictMicros === null ? null : formatScaled(predictMicros, meterScale("predict_seconds")),
    input_tokens: one.inputTokens?.toString() ?? null,
    output_tokens: one.outputTokens?.toString() ?? null,
    charged,
    gross: money(currency, one.grossNanos),
    earned: one.earnedNanos === null ? null : money(currency, one.earnedNanos),
  };
}

export const predictionListRoutes: Route[] = [getPredictions];
