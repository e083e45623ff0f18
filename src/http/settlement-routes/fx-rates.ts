import { z } from "zod";
import { formatInstant, invalidField, parseDecimal, parseInstant } from "../../kernel/index.ts";
import { Currency } from "../../pricing/index.ts";
import { fxRates, storeFxRate } from "../../settlement/index.ts";
import { defineRoute, type Route } from "../route.ts";

const RATES_SHOWN_MAX = 1_000;
const operator = ["operator"] as const;

const Rate = z
  .strictObject({
    from: Currency,
    to: Currency,
    rate: z
      .string()
      .regex(/^\d{1,12}(\.\d{1,18})?$/, "a decimal with at most 18 digits after the point")
      .meta({ description: "Units of `to` for one of `from`.", example: "0.9137" }),
    effective_from: z
      .string()
      .refine((text) => parseInstant(text) !== undefined, "an RFC 3339 time")
      .meta({ description: "A month is converted at the rate that is in force at its end." }),
    source: z.string().min(1).max(200).meta({ example: "ECB reference rate, 30 November 2023" }),
  })
  .meta({ id: "FxRate" });

const store = defineRoute({
  method: "post",
  path: "/fx-rates",
  summary: "Store an exchange rate for good; a later one is a new one",
  roles: operator,
  body: Rate,
  status: 201,
  response: Rate,
  async handle({ body, principal, context }) {
    const { from, to, source } = body;
    const rate = parseDecimal(body.rate);
    const effectiveFrom = parseInstant(body.effective_from);
    if (from === to) throw invalidField("to", "another currency than from");
    if (rate === undefined || rate.num === 0n) throw invalidField("rate", "more than zero");
    if (effectiveFrom === undefined) throw invalidField("effective_from", "an RFC 3339 time");
    const stored = { from, to, rate, effectiveFrom: formatInstant(effectiveFrom), source, by: principal.id };
    await storeFxRate(context.sql, stored);
    return { body };
  },
});

const list = defineRoute({
  method: "get",
  path: "/fx-rates",
  summary: "The exchange rates that are stored, the latest first",
  roles: operator,
  response: z.object({ data: z.array(Rate.extend({ by: z.string() })) }),
  async handle({ context }) {
    const rates = await fxRates(context.sql, RATES_SHOWN_MAX);
    return {
      body: { data: rates.map(({ effectiveFrom, ...rate }) => ({ ...rate, effective_from: effectiveFrom })) },
    };
  },
});

export const fxRateRoutes: Route[] = [store, list];
