import { z } from "zod";
import { invalidField } from "../../kernel/index.ts";
import { Currency } from "../../pricing/index.ts";
import {
  payoutTerms,
  recordTaxForm,
  reserveRules,
  setPayoutTerms,
  setReserveRule,
  setTaxFormRule,
  TAX_FORM_STATES,
  TAX_FORMS,
  taxFormOf,
  taxFormRules,
} from "../../settlement/index.ts";
import { visiblePayee } from "../payee-routes/payees.ts";
import { defineRoute, type Route } from "../route.ts";
import { Day, Done, PeriodText } from "../schemas.ts";
import { datedRules } from "./dated-rules.ts";

const operator = ["operator"] as const;
const PayeePath = z.object({ id: z.string() });
const SCHEDULES = ["monthly", "quarterly", "manual"] as const;
const HoldDays = z
  .int()
  .min(0)
  .max(365)
  .nullable()
  .meta({ description: "So many days after its month was closed, money may be paid out." });

const TaxForm = z.strictObject({
  form: z.enum(TAX_FORMS),
  status: z.enum(TAX_FORM_STATES),
  valid_until: Day.nullable().default(null),
});

const getTerms = defineRoute({
  method: "get",
  path: "/payees/{id}/payout-terms",
  summary: "How a payee is paid: its own terms, or the marketplace's",
  roles: ["operator", "payee"],
  params: PayeePath,
  response: z.object({
    schedule: z.enum(SCHEDULES),
    hold_days: z.int(),
    payout_currency: z.string().nullable(),
    tax_form: TaxForm.nullable(),
  }),
  async handle({ params, principal, context }) {
    await visiblePayee(context, principal, params.id);
    const { schedule, holdDays, payoutCurrency } = await payoutTerms(context.sql, params.id);
    const form = await taxFormOf(context.sql, params.id);
    const tax_form =
      form === undefined ? null : { form: form.form, status: form.status, valid_until: form.validUntil };
    return { body: { schedule, hold_days: holdDays, payout_currency: payoutCurrency, tax_form } };
  },
});

const choose = defineRoute({
  method: "put",
  path: "/payees/{id}/payout-choice",
  summary:
    "What a payee may decide itself: how often it is paid, and in which one currency; from the next plan on",
  roles: ["operator", "payee"],
  params: PayeePath,
  body: z.strictObject({
    schedule: z
      .enum(SCHEDULES)
      .nullable()
      .optional()
      .meta({ description: "null: as the marketplace pays everybody." }),
    currency: Currency.nullable().optional().meta({
      description: "Everything is converted into it at the operator's rates; null: each currency as earned.",
    }),
  }),
  response: Done,
  async handle({ params, body, principal, context }) {
    await visiblePayee(context, principal, params.id);
    const change = {
      ...(body.schedule === undefined ? {} : { schedule: body.schedule }),
      ...(body.currency === undefined ? {} : { payoutCurrency: body.currency }),
    };
    await setPayoutTerms(context.sql, params.id, change, principal.id);
    return { body: { ok: true } };
  },
});

const hold = defineRoute({
  method: "put",
  path: "/payees/{id}/payout-hold",
  summary: "How long this payee's money waits after its month was closed; null: as everybody's",
  roles: operator,
  params: PayeePath,
  body: z.strictObject({ days: HoldDays }),
  response: Done,
  async handle({ params, body, principal, context }) {
    await setPayoutTerms(context.sql, params.id, { holdDays: body.days }, principal.id);
    return { body: { ok: true } };
  },
});

const everybodys = defineRoute({
  method: "put",
  path: "/payout-terms",
  summary: "How payees without terms of their own are paid; from the next plan on",
  roles: operator,
  body: z.strictObject({ schedule: z.enum(SCHEDULES).nullable().optional(), hold_days: HoldDays.optional() }),
  response: Done,
  async handle({ body, principal, context }) {
    const change = {
      ...(body.schedule === undefined ? {} : { schedule: body.schedule }),
      ...(body.hold_days === undefined ? {} : { holdDays: body.hold_days }),
    };
    await setPayoutTerms(context.sql, null, change, principal.id);
    return { body: { ok: true } };
  },
});

const ReserveRule = z.strictObject({
  from: PeriodText.meta({ description: "An open books period: the rule is for it and those after it." }),
  payee: z
    .string()
    .nullable()
    .default(null)
    .meta({ description: "null: everybody without a rule of its own." }),
  percent: z
    .string()
    .regex(/^(100(\.00?)?|\d{1,2}(\.\d{1,2})?)$/, "a percentage such as 10 or 2.25")
    .nullable()
    .meta({ description: "Of what becomes payable; null ends the rule before." }),
  days: z.int().min(0).max(1095).nullable(),
});

const setReserve = defineRoute({
  method: "put",
  path: "/reserve-rules",
  summary: "Hold back a part of what payees earn, for so many days after its month was closed",
  roles: operator,
  body: ReserveRule,
  response: ReserveRule,
  async handle({ body, principal, context }) {
    const { from, payee, percent, days } = body;
    if ((percent === null) !== (days === null))
      throw invalidField("days", "goes with percent; both, or both null to end the rule before");
    const rule = { from, payee, basisPoints: percent === null ? null : basisPointsOf(percent), days };
    await setReserveRule(context.sql, rule, principal.id);
    return { body };
  },
});

function basisPointsOf(percent: string): number {
  const [whole = "0", part = ""] = percent.split(".");
  return Number(whole) * 100 + Number(part.padEnd(2, "0"));
}

const getReserves = defineRoute({
  method: "get",
  path: "/reserve-rules",
  summary: "Every reserve rule that was set, the latest first",
  roles: operator,
  response: z.object({ data: z.array(ReserveRule) }),
  async handle({ context }) {
    const data = (await reserveRules(context.sql)).map(({ basisPoints, ...rule }) => ({
      ...rule,
      percent:
        basisPoints === null
          ? null
          : `${Math.trunc(basisPoints / 100)}.${String(basisPoints % 100).padStart(2, "0")}`,
    }));
    return { body: { data } };
  },
});

const TaxFormRule = z.strictObject({
  from: PeriodText.meta({ description: "The first month whose settlement asks for it." }),
  required: z.boolean(),
});

const taxRules = datedRules({
  path: "/tax-form-rules",
  rule: TaxFormRule,
  summaries: {
    set: "Whether only payees with an accepted tax form are paid; the others keep earning",
    list: "Every tax form rule that was set, the latest first; without any, no form is asked for",
  },
  set: setTaxFormRule,
  list: taxFormRules,
});

const setTaxForm = defineRoute({
  method: "put",
  path: "/payees/{id}/tax-form",
  summary: "Record what became of a payee's tax form; never the form itself or a number on it",
  roles: operator,
  params: PayeePath,
  body: TaxForm,
  response: TaxForm,
  async handle({ params, body, principal, context }) {
    const { form, status, valid_until } = body;
    await recordTaxForm(context.sql, params.id, { form, status, validUntil: valid_until }, principal.id);
    return { body };
  },
});

export const payoutTermsRoutes: Route[] = [
  getTerms,
  choose,
  hold,
  everybodys,
  setReserve,
  getReserves,
  ...taxRules,
  setTaxForm,
];
