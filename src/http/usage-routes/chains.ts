import { z } from "zod";
import { type Money as MoneyText, money, parseNanos, present, Refusal } from "../../kernel/index.ts";
import { type ChainStep, chainOf, findPredictions } from "../../statements/index.ts";
import type { AppContext } from "../context.ts";
import type { Principal } from "../keys/principal.ts";
import { defineRoute, type Route } from "../route.ts";
import { Money } from "../schemas.ts";

const Step = z
  .object({
    id: z.string(),
    source: z.string(),
    parent: z.string().nullable(),
    depth: z.int().meta({ description: "Below the prediction that was asked for; above it, negative." }),
    model: z.string(),
    version: z.string().nullable(),
    status: z.string(),
    occurred_at: z.string(),
    predict_seconds: z.string().nullable(),
    payer: z.object({
      customer: z.string().nullable().meta({ description: "Who is charged; not shown to payees." }),
      payee: z.string().nullable().meta({
        description: "The payee that the customer is linked to: it pays out of its earnings.",
      }),
      is_you: z.boolean().meta({
        description:
          "Whether who asks pays it: as its customer, or as the payee out of whose earnings it is paid.",
      }),
    }),
    charged: z.boolean().nullable(),
    gross: Money.nullable().meta({
      description:
        "Null where nothing is charged, and for the owner of the app that called it where another pays.",
    }),
    earnings: z.array(
      z.object({ payee: z.string().nullable(), reason: z.string(), paid_by: z.string(), earned: Money }),
    ),
  })
  .meta({ id: "ChainStep" });

const ChainView = z
  .object({
    steps: z.array(Step),
    totals: z
      .array(
        z.object({
          currency: z.string(),
          steps: z.int(),
          gross: Money,
          earned: Money.nullable(),
          paid: Money.nullable(),
        }),
      )
      .meta({
        description:
          "Of the steps that are shown with their gross; `earned` of the parts that are shown, null for customers, who see none; `paid` of the steps that who asks pays, null for operators.",
      }),
    missing_parent: z
      .string()
      .nullable()
      .meta({ description: "A caller that is named above the first step, and not known." }),
    truncated: z
      .boolean()
      .meta({ description: "There is more: ask for the chain of a prediction further down." }),
  })
  .meta({ id: "Chain" });

const getChain = defineRoute({
  method: "get",
  path: "/predictions/{id}/chain",
  summary:
    "What a prediction was called by and what it called: each step's time, cost, payer and earners, and totals",
  roles: ["operator", "payee", "customer"],
  params: z.object({ id: z.string().min(1).max(256) }),
  query: z.object({
    source: z.string().min(1).max(512).optional(),
    limit: z.coerce.number().int().min(1).max(500).default(100),
  }),
  response: ChainView,
  async handle({ params, query, principal, context }) {
    const found = await findPredictions(context.sql, params.id, query.source);
    const sees = await sightOf(context, principal);
    const seen: z.infer<typeof ChainView>[] = [];
    for (const asked of found) {
      const { steps, missing_parent, truncated } = await chainOf(context.sql, asked, query.limit);
      const shown = steps.flatMap((step) => sees(step) ?? []);
      if (shown.length > 0) {
        const totals = totalsOf(shown, principal.role);
        seen.push({ steps: shown, totals, missing_parent, truncated });
      }
    }
    const [chain, another] = seen;
    if (chain === undefined) throw new Refusal("not_found", `there is no prediction ${params.id}`);
    if (another !== undefined)
      throw new Refusal(
        "identity_ambiguous",
        "several sources have a prediction with this id: name one with ?source=",
      );
    return { body: chain };
  },
});

/**
 * Each sees its own steps: a customer those it is charged for, without who earns of them; a payee those that it earns of, or
 * whose model is its own, with its own parts, and those that are paid out of its earnings. What a model of its own called and another
 * pays it sees too, but not what that comes to. An operator sees everything.
 */
async function sightOf(
  context: AppContext,
  principal: Principal,
): Promise<(step: ChainStep) => z.infer<typeof Step> | undefined> {
  if (principal.role === "operator")
    return (step) => viewOf(step, { customer: step.customer, pays: false, earnings: step.earnings });
  if (principal.role === "customer")
    return (step) =>
      step.customer === principal.customer
        ? viewOf(step, { customer: step.customer, pays: true, earnings: [] })
        : undefined;
  const { models } = await context.catalog.current();
  const owns = (model: string) => models.get(model)?.lineage.at(-1)?.payee === principal.payee;
  return (step) => {
    const own = step.earnings.filter(({ payee }) => payee === principal.payee);
    if (step.payer_payee === principal.payee)
      return viewOf(step, { customer: step.customer, pays: true, earnings: own });
    const unpaid = { ...step, payer_payee: null };
    if (owns(step.model) || own.length > 0)
      return viewOf(unpaid, { customer: null, pays: false, earnings: own });
    if (step.caller_model === null || !owns(step.caller_model)) return undefined;
    return viewOf({ ...unpaid, charged: null, gross: null }, { customer: null, pays: false, earnings: [] });
  };
}

function viewOf(
  step: ChainStep,
  { customer, pays, earnings }: { customer: string | null; pays: boolean; earnings: ChainStep["earnings"] },
): z.infer<typeof Step> {
  const { id, source, parent, depth, model, version, status, occurred_at, charged, gross } = step;
  const time = step.usage.find(({ meter }) => meter === "predict_seconds")?.quantity ?? null;
  return {
    ...{ id, source, parent, depth, model, version, status, occurred_at, predict_seconds: time },
    payer: { customer, payee: step.payer_payee, is_you: pays },
    ...{ charged, gross, earnings },
  };
}

function totalsOf(
  steps: readonly z.infer<typeof Step>[],
  role: Principal["role"],
): z.infer<typeof ChainView>["totals"] {
  const currencies = [...new Set(steps.flatMap(({ gross }) => gross?.currency ?? []))].sort();
  return currencies.map((currency) => {
    const own = steps.filter(({ gross }) => gross?.currency === currency);
    const grossOf = (some: typeof own) =>
      sumOf(
        currency,
        some.flatMap(({ gross }) => gross ?? []),
      );
    const earned = own.flatMap(({ earnings }) => earnings.map((one) => one.earned));
    return {
      currency,
      steps: own.length,
      gross: grossOf(own),
      earned: role === "customer" ? null : sumOf(currency, earned),
      paid: role === "operator" ? null : grossOf(own.filter(({ payer }) => payer.is_you)),
    };
  });
}

function sumOf(currency: string, amounts: readonly MoneyText[]): MoneyText {
  const nanos = amounts.map(({ amount }) => present(parseNanos(amount), "an amount"));
  return money(
    currency,
    nanos.reduce((sum, each) => sum + each, 0n),
  );
}

export const chainRoutes: Route[] = [getChain];
