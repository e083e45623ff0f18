import { invalidField, now, parseInstant, present, Refusal } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";
import { listRoyaltyTerms, type RoyaltyTerms } from "./royalty-terms.ts";

interface Ended {
  id: string;
  /** Whose terms they must be. */
  offeredBy: string;
  by: string;
}

/**
 * Takes an offer back that nobody has accepted: the terms before it, if there are any, are in force again.
 * @throws Refusal not_found, royalty_terms_accepted, royalty_terms_ended, royalty_terms_replaced
 */
export async function withdrawRoyaltyTerms(sql: Sql, { id, offeredBy, by }: Ended): Promise<RoyaltyTerms> {
  await standingTerms(sql, id, offeredBy);
  return end(sql, { id, kind: "withdrawn", at: null, by });
}

/**
 * From a moment on the base may be used without these terms. Who accepted them before keeps them.
 * @throws Refusal not_found, body_invalid, royalty_terms_ended, royalty_terms_replaced
 */
export async function endRoyaltyTerms(
  sql: Sql,
  {
    id,
    offeredBy,
    by,
    at,
  }: Ended & { /** RFC 3339, not before now; now when there is none. */ at: string | undefined },
): Promise<RoyaltyTerms> {
  const terms = await standingTerms(sql, id, offeredBy);
  if (terms.state === "upcoming")
    throw new Refusal(
      "royalty_terms_replaced",
      `these terms of ${terms.model} have not begun: withdraw them`,
    );
  const same = at !== undefined && terms.ends_at !== null && parseInstant(at) === parseInstant(terms.ends_at);
  if (at !== undefined && !same && present(parseInstant(at), "a time") < now())
    throw invalidField("ends_at", "not before now: leave it out for now");
  return end(sql, { id, kind: "ended", at: at ?? null, by });
}

/** Terms of this payee that no others have replaced. */
async function standingTerms(sql: Sql, id: string, offeredBy: string): Promise<RoyaltyTerms> {
  const [terms] = await listRoyaltyTerms(sql, { id, offeredBy });
  if (terms === undefined) throw new Refusal("not_found", `there are no royalty terms ${id} of ${offeredBy}`);
  if (terms.state === "replaced")
    throw new Refusal("royalty_terms_replaced", `these terms of ${terms.model} are replaced already`);
  return terms;
}

async function end(
  sql: Sql,
  { id, kind, at, by }: { id: string; kind: "withdrawn" | "ended"; at: string | null; by: string },
): Promise<RoyaltyTerms> {
  try {
    await sql`SELECT end_royalty_terms(${id}, ${kind}, ${at}::timestamptz, ${by})`;
  } catch (error) {
    const refused = refusedByDatabase(error);
    if (refused?.code === "royalty_terms_accepted")
      throw new Refusal(
        "royalty_terms_accepted",
        "somebody has accepted these terms, and keeps them: end them for those who come later instead",
      );
    if (refused?.code === "royalty_terms_ended") {
      const { kind: how, ends_at } = refused.detail;
      throw new Refusal(
        "royalty_terms_ended",
        how === "withdrawn" ? "these terms are withdrawn already" : `these terms end at ${ends_at} already`,
      );
    }
    throw error;
  }
  return present((await listRoyaltyTerms(sql, { id })).at(0), "the terms");
}
