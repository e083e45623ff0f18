import { z } from "zod";
import { Id } from "../../catalog/index.ts";
import { Refusal } from "../../kernel/index.ts";
import { listNettings, nettingRules, setNettingRule } from "../../settlement/index.ts";
import type { AppContext } from "../context.ts";
import { visiblePayee } from "../payee-routes/payees.ts";
import { defineRoute, type Route } from "../route.ts";
import { Money, PageQuery, PeriodText, page, pageOf } from "../schemas.ts";

const CustomerPath = z.object({ id: Id });
const Rule = z.strictObject({
  from: PeriodText.meta({ description: "An open books period: the rule is for it and those after it." }),
  nets: z.boolean(),
});

/** @throws Refusal not_found */
async function requireCustomer({ catalog }: AppContext, id: string): Promise<void> {
  if (!(await catalog.current()).customers.has(id))
    throw new Refusal("not_found", `there is no customer ${id}`);
}

const setRule = defineRoute({
  method: "put",
  path: "/customers/{id}/netting",
  summary:
    "Whether a linked customer's usage is paid out of its payee's earnings at close (it is, unless set otherwise)",
  roles: ["operator"],
  params: CustomerPath,
  body: Rule,
  response: Rule,
  async handle({ params, body, principal, context }) {
    await requireCustomer(context, params.id);
    await setNettingRule(context.sql, params.id, body, principal.id);
    return { body };
  },
});

const getRules = defineRoute({
  method: "get",
  path: "/customers/{id}/netting",
  summary:
    "The netting rules of a customer, the latest first; without any, usage is netted while a payee is linked",
  roles: ["operator"],
  params: CustomerPath,
  response: z.object({ data: z.array(Rule) }),
  async handle({ params, context }) {
    await requireCustomer(context, params.id);
    return { body: { data: await nettingRules(context.sql, params.id) } };
  },
});

const NettingView = z
  .object({
    period: z.string(),
    customer: z.string(),
    payee: z.string(),
    currency: z.string(),
    owed: Money.meta({ description: "What the customer used while it was linked to the payee all month." }),
    netted: Money,
    left: Money.meta({ description: "Left to the customer's invoice." }),
  })
  .meta({ id: "Netting" });

const list = defineRoute({
  method: "get",
  path: "/payees/{id}/nettings",
  summary: "What the payee's own customers used and close paid out of its earnings, the latest month first",
  roles: ["operator", "payee"],
  params: CustomerPath,
  query: PageQuery.extend({
    cursor: z
      .string()
      .regex(/^\d{4}-\d{2} [A-Za-z0-9._@-]{1,64} [A-Z]{3}$/, "the next_cursor of an earlier answer")
      .optional(),
  }),
  response: pageOf(NettingView),
  async handle({ params, query: { limit, cursor }, principal, context }) {
    await visiblePayee(context, principal, params.id);
    const after = cursor === undefined ? {} : { after: cursor };
    const nettings = await listNettings(context.sql, { payee: params.id, limit: limit + 1, ...after });
    return { body: page(nettings, limit, (row) => `${row.period} ${row.customer} ${row.currency}`) };
  },
});

export const nettingRoutes: Route[] = [setRule, getRules, list];
