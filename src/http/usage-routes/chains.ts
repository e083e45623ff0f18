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
    }),
    charged: z.boolean().nullable(),
    gross: Money.nullable(),
    earnings: z.array(
      z.object({ payee: z.string().nullable(), reason: z.string(), paid_by: z.string(), earned: Money }),
    ),
  })
  .meta({ id: "ChainStep" });

const ChainView = z
  .object({
    steps: z.array(Step),
    totals: z
      .array(z.object({ currency: z.string(), steps: z.int(), gross: Money, earned: Money.nullable() }))
      .meta({
        description:
          "Of the steps that are shown; `earned` of the parts that are shown, null for customers, who see none.",
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
        const totals = totalsOf(shown, principal.role !== "customer");
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
 * whose model is its own, with its own parts, and those that are paid out of its earnings. An operator sees everything.
 */
async function sightOf(
  context: AppContext,
  principal: Principal,
): Promise<(step: ChainStep) => z.infer<typeof Step> | undefined> {
  if (principal.role === "operator") return (step) => viewOf(step, step.customer, step.earnings);
  if (principal.role === "customer")
    return (step) => (step.customer === principal.customer ? viewOf(step, step.customer, []) : undefined);
  const { models } = await context.catalog.current();
  return (step) => {
    const own = step.earnings.filter(({ payee }) => payee === principal.payee);
    const owns = models.get(step.model)?.lineage.at(-1)?.payee === principal.payee;
    const pays = step.payer_payee === principal.payee;
    if (!pays && !owns && own.length === 0) return undefined;
    return viewOf(pays ? step : { ...step, payer_payee: null }, pays ? step.customer : null, own);
  };
}

function viewOf(
  step: ChainStep,
  customer: string | null,
  earnings: ChainStep["earnings"],
): z.infer<typeof Step> {
  const { id, source, parent, depth, model, version, status, occurred_at, charged, gross } = step;
  const time = step.usage.find(({ meter }) => meter === "predict_seconds")?.quantity ?? null;
  return {
    ...{ id, source, parent, depth, model, version, status, occurred_at, predict_seconds: time },
    payer: { customer, payee: step.payer_payee },
    ...{ charged, gross, earnings },
  };
}

function totalsOf(
  steps: readonly z.infer<typeof Step>[],
  seesEarnings: boolean,
): z.infer<typeof ChainView>["totals"] {
  const currencies = [...new Set(steps.flatMap(({ gross }) => gross?.currency ?? []))].sort();
  return currencies.map((currency) => {
    const own = steps.filter(({ gross }) => gross?.currency === currency);
    return {
      currency,
      steps: own.length,
      gross: sumOf(
        currency,
        own.flatMap(({ gross }) => gross ?? []),
      ),
      earned: seesEarnings
        ? sumOf(
            currency,
            own.flatMap(({ earnings }) => earnings.map(({ earned }) => earned)),
          )
        : null,
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
