import { firstDay, type Period, periodOfDay, Refusal } from "../../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../../postgres/index.ts";
import { requirePayee } from "../brakes.ts";

export const TAX_FORMS = ["W-8", "W-9", "none"] as const;
export const TAX_FORM_STATES = ["asked", "received", "accepted", "rejected"] as const;

/** What became of a payee's tax form. The form and its numbers are kept elsewhere. */
export interface TaxForm {
  form: (typeof TAX_FORMS)[number];
  status: (typeof TAX_FORM_STATES)[number];
  /** The last day on which it counts; null: until it is recorded otherwise. */
  validUntil: string | null;
}

/** @throws Refusal not_found */
export async function recordTaxForm(
  sql: Sql,
  payee: string,
  { form, status, validUntil }: TaxForm,
  by: string,
): Promise<void> {
  await requirePayee(sql, payee);
  await sql`
    INSERT INTO tax_form (payee, form, status, valid_until, recorded_by)
    VALUES (${payee}, ${form}, ${status}, ${validUntil}, ${by})`;
}

/** The one that holds, which was recorded last. */
export async function taxFormOf(sql: Sql, payee: string): Promise<TaxForm | undefined> {
  const [form] = await sql<TaxForm[]>`
    SELECT form, status, valid_until::text AS "validUntil" FROM tax_form WHERE payee = ${payee}
    ORDER BY tax_form_no DESC LIMIT 1`;
  return form;
}

/** Whether settlements of the months from `from` on pay only payees with an accepted form. */
export interface TaxFormRule {
  from: Period;
  required: boolean;
}

/** Every rule that was set, the latest first; before the first one, and without any, none is required. */
export async function taxFormRules(sql: Sql): Promise<TaxFormRule[]> {
  const rows = await sql<{ from: string; required: boolean }[]>`
    SELECT from_period::text AS from, required FROM tax_form_rule ORDER BY from_period DESC`;
  return rows.map((row) => ({ ...row, from: periodOfDay(row.from) }));
}

/** @throws Refusal period_closed when a month from `from` on is approved already */
export async function setTaxFormRule(sql: Sql, { from, required }: TaxFormRule, by: string): Promise<void> {
  try {
    await sql`SELECT set_tax_form_rule(${firstDay(from)}, ${required}, ${by})`;
  } catch (error) {
    const refused = refusedByDatabase(error);
    if (refused?.code !== "period_closed") throw error;
    throw new Refusal(
      "period_closed",
      `${from} is approved, and who is paid is decided: set the rule from ${refused.detail.open} on`,
    );
  }
}
