import { firstDay, type Period, Refusal } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";

/** Who a payee is to the tax office. */
export interface LegalDetails {
  name: string;
  address: string;
  tax_id: string | null;
}

/** A mistake mended in the details that documents of closed months show. */
export interface LegalCorrection {
  /** The closed months whose documents show it. */
  periods: Period[];
  before: LegalDetails;
  legal: LegalDetails;
  reason: string;
  correctedBy: string;
  correctedAt: Date;
}

/** The details that a payee's next statement will show; undefined when none were given. */
export async function legalDetailsOf(sql: Sql, payee: string): Promise<LegalDetails | undefined> {
  const [found] = await sql<LegalDetails[]>`
    SELECT name, address, tax_id FROM payee_legal WHERE payee = ${payee}
    ORDER BY coalesce(corrects, payee_legal_no) DESC, payee_legal_no DESC LIMIT 1`;
  return found;
}

/**
 * Corrects the details on the documents of a closed month, and on those of all other months that show the same mistake. Figures
 * and the statement's hash stay. The same again changes nothing.
 * @throws Refusal period_not_closed, not_found, nothing_to_correct
 */
export async function correctLegal(
  sql: Sql,
  asked: { payee: string; period: Period; legal: LegalDetails; reason: string; by: string },
): Promise<LegalCorrection> {
  const { payee, period, legal, reason, by } = asked;
  const { name, address, tax_id } = legal;
  try {
    const [{ no }] = await sql<[{ no: number }]>`
      SELECT correct_legal(${payee}, ${firstDay(period)}, ${name}, ${address}, ${tax_id}, ${reason}, ${by}) AS no`;
    const [made] = await legalCorrections(sql, payee, no);
    if (made === undefined) throw new Error(`correction ${no} of ${payee} is not there`);
    return made;
  } catch (error) {
    const code = refusedByDatabase(error)?.code;
    if (code === "period_not_closed")
      throw new Refusal(
        "period_not_closed",
        `${period} is not closed yet: change the payee's legal details, and its statement shows them`,
      );
    if (code === "not_found")
      throw new Refusal(
        "not_found",
        `${payee} has no legal details: those that are given first stand on the documents of ${period} too`,
      );
    if (code === "nothing_to_correct")
      throw new Refusal("nothing_to_correct", `the documents of ${period} show these details already`);
    throw error;
  }
}

/** Newest first; one of them, when a number is given. */
export async function legalCorrections(
  sql: Sql,
  payee: string,
  no: number | null = null,
): Promise<LegalCorrection[]> {
  const rows = await sql<
    (LegalDetails & { before: LegalDetails; reason: string; by: string; at: Date; periods: Period[] })[]
  >`
    SELECT c.name, c.address, c.tax_id, c.reason, c.corrected_by AS "by", c.given_at AS at,
      jsonb_build_object('name', b.name, 'address', b.address, 'tax_id', b.tax_id) AS before,
      ARRAY(SELECT to_char(s.period, 'YYYY-MM') FROM settlement s WHERE s.closed_at IS NOT NULL
        AND EXISTS (SELECT FROM statement t WHERE t.period = s.period AND t.payee = c.payee)
        AND legal_version_at(c.payee, s.closed_at) = c.corrects ORDER BY s.period) AS periods
    FROM payee_legal c
    CROSS JOIN LATERAL (SELECT * FROM payee_legal k WHERE k.payee = c.payee AND c.corrects IN (k.payee_legal_no, k.corrects)
      AND k.payee_legal_no < c.payee_legal_no ORDER BY k.payee_legal_no DESC LIMIT 1) b
    WHERE c.payee = ${payee} AND c.corrects IS NOT NULL AND (${no}::int IS NULL OR c.payee_legal_no = ${no})
    ORDER BY c.payee_legal_no DESC`;
  return rows.map(({ name, address, tax_id, by, at, ...rest }) => ({
    ...rest,
    legal: { name, address, tax_id },
    correctedBy: by,
    correctedAt: at,
  }));
}
