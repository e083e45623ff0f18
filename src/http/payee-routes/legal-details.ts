import { z } from "zod";
import { correctLegal, Legal, type LegalCorrection, legalCorrections } from "../../catalog/index.ts";
import { isPlainText } from "../../kernel/index.ts";
import { lettersNotPrinted } from "../../statements/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { PeriodText } from "../schemas.ts";
import { PayeePath, visiblePayee } from "./payees.ts";

export const NotPrinted = z
  .object({ letters: z.array(z.string()), message: z.string().meta({ description: "What to do." }) })
  .meta({
    id: "NotPrinted",
    description: "Letters of the name and the legal details that statements as PDF show as boxes.",
  });

/** What of a payee's name and legal details its statements cannot show; null when all of it is shown. */
export async function notPrintedOf(
  name: string,
  legal: { name: string; address: string; tax_id?: string | null | undefined } | null,
): Promise<z.infer<typeof NotPrinted> | null> {
  const texts = [name, legal?.name ?? "", legal?.address ?? "", legal?.tax_id ?? ""];
  const letters = await lettersNotPrinted(texts);
  if (letters.length === 0) return null;
  const message = `Statements as PDF have no font for ${letters.join(" ")} and show boxes instead: give the name and the address in Latin letters, or in both, such as "Name (name in Latin letters)".`;
  return { letters, message };
}

/** With its tax number said to be missing where there is none. */
export const LegalView = Legal.extend({ tax_id: z.string().nullable() }).meta({ id: "LegalDetails" });

const Correction = z
  .object({
    periods: z.array(z.string()).meta({ description: "The closed months whose documents show it." }),
    before: LegalView,
    legal: LegalView,
    reason: z.string(),
    corrected_by: z.string(),
    corrected_at: z.string(),
  })
  .meta({ id: "LegalCorrection" });

function view({ correctedBy, correctedAt, ...rest }: LegalCorrection): z.infer<typeof Correction> {
  return { ...rest, corrected_by: correctedBy, corrected_at: correctedAt.toISOString() };
}

const post = defineRoute({
  method: "post",
  path: "/payees/{id}/legal-corrections",
  summary:
    "Mend a mistake in the name, address or tax number that documents of closed months show; they say that they are corrected copies",
  roles: ["operator"],
  params: PayeePath,
  body: z.strictObject({
    period: PeriodText.meta({ description: "A closed month whose documents show the mistake." }),
    legal: Legal,
    reason: z.string().min(1).max(500).refine(isPlainText, "text without control characters"),
  }),
  status: 201,
  response: Correction.extend({ not_printed: NotPrinted.nullable() }),
  async handle({ params, body, principal, context }) {
    const { name } = await visiblePayee(context, principal, params.id);
    const legal = { ...body.legal, tax_id: body.legal.tax_id ?? null };
    const asked = { payee: params.id, period: body.period, legal, reason: body.reason, by: principal.id };
    const made = view(await correctLegal(context.sql, asked));
    return { body: { ...made, not_printed: await notPrintedOf(name, legal) } };
  },
});

const list = defineRoute({
  method: "get",
  path: "/payees/{id}/legal-corrections",
  summary: "Mistakes in a payee's legal details that were mended on documents of closed months, newest first",
  roles: ["operator", "payee"],
  params: PayeePath,
  response: z.object({ data: z.array(Correction) }),
  async handle({ params, principal, context }) {
    await visiblePayee(context, principal, params.id);
    return { body: { data: (await legalCorrections(context.sql, params.id)).map(view) } };
  },
});

export const legalRoutes: Route[] = [post, list];
