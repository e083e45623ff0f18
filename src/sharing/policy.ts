import { z } from "zod";
import { add, compare, parseDecimal, rational, ZERO } from "../kernel/index.ts";
import { Amount, Currency, Meter, Per } from "../pricing/index.ts";

export const Percent = z
  .string()
  .regex(/^\d{1,3}(\.\d{1,6})?$/, 'a decimal string from "0" to "100", at most 6 decimals')
  .refine((text) => compare(parseDecimal(text) ?? rational(101n), rational(100n)) <= 0, "at most 100")
  .meta({ example: "20" });

export const PercentOf = z.enum(["gross", "remaining"]).default("gross");

export const OWNER = "$owner";

const CostStep = z
  .strictObject({
    take: z.literal("cost"),
    meter: Meter,
    amount: Amount,
    per: Per,
    currency: Currency.optional(),
  })
  .meta({ id: "CostStep" });
const PlatformStep = z
  .strictObject({ take: z.literal("platform"), percent: Percent, of: PercentOf })
  .meta({ id: "PlatformStep" });
const RoyaltyStep = z
  .strictObject({ take: z.literal("royalty"), percent: Percent, of: PercentOf })
  .meta({ id: "RoyaltyStep" });
const SharesStep = z
  .strictObject({
    take: z.literal("shares"),
    shares: z
      .array(
        z.strictObject({
          payee: z.string().regex(/^([A-Za-z0-9._@-]{1,64}|\$owner)$/, "a payee's id"),
          weight: z.int().min(0).max(1_000_000_000),
        }),
      )
      .min(1)
      .max(64),
  })
  .meta({ id: "SharesStep" });

const Step = z.discriminatedUnion("take", [CostStep, PlatformStep, RoyaltyStep, SharesStep]);

/** The waterfall: applied in order, each step takes of what remains and never more than that. */
export const PolicySteps = z.array(Step).min(1).max(16).superRefine(checkWaterfall);
export type PolicySteps = z.infer<typeof PolicySteps>;
export type PolicyStep = PolicySteps[number];

function checkWaterfall(steps: PolicyStep[], context: z.RefinementCtx): void {
  const complain = (path: PropertyKey[], message: string) =>
    context.addIssue({ code: "custom", path, message, input: steps });
  const last = steps.length - 1;
  let percentOfGross = ZERO;
  const seen = new Map<string, number>();
  for (const [index, step] of steps.entries()) {
    seen.set(step.take, (seen.get(step.take) ?? 0) + 1);
    if (step.take === "shares" && index !== last)
      complain([index], "`shares` takes all that remains: put it last");
    if ("percent" in step && step.of === "gross") {
      percentOfGross = add(percentOfGross, parseDecimal(step.percent) ?? ZERO);
    }
    if (step.take === "shares")
      checkShares(step.shares, (path, message) => complain([index, "shares", ...path], message));
  }
  if (steps[last]?.take !== "shares")
    complain([last], "the last step must be `shares`, so that nothing is left over");
  for (const once of ["cost", "royalty"]) {
    if ((seen.get(once) ?? 0) > 1) complain([], `at most one \`${once}\` step`);
  }
  if (compare(percentOfGross, rational(100n)) > 0)
    complain([], "percentages of gross together are above 100");
}

function checkShares(
  shares: { payee: string; weight: number }[],
  complain: (path: PropertyKey[], message: string) => void,
): void {
  const payees = new Set<string>();
  for (const [index, share] of shares.entries()) {
    if (payees.has(share.payee)) complain([index, "payee"], "each payee once");
    payees.add(share.payee);
  }
  if (shares.every((share) => share.weight === 0)) complain([], "at least one weight must be above zero");
}

/** What a model without a policy of its own follows, unless the marketplace says otherwise. */
export const DEFAULT_POLICY: PolicySteps = [
  { take: "platform", percent: "20", of: "gross" },
  { take: "shares", shares: [{ payee: OWNER, weight: 1 }] },
];
