import { randomBytes } from "node:crypto";
import { type CatalogStore, versionAt } from "../catalog/index.ts";
import { invalidField, now, parseInstant, present, Refusal } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";

export const TERMS_STATES = ["upcoming", "in_force", "replaced", "ended", "withdrawn"] as const;

/** A percentage as a policy's royalty step has it. */
export interface RoyaltyPercent {
  percent: string;
  of: "gross" | "remaining";
}

export interface RoyaltyTerms extends RoyaltyPercent {
  id: string;
  /** The base model. */
  model: string;
  offered_by: string;
  wording: string;
  effective_from: string;
  offered_at: string;
  /** From when on nobody accepts them any more, by their owner's word; null where nothing is said. */
  ends_at: string | null;
  state: (typeof TERMS_STATES)[number];
}

interface Offer extends RoyaltyPercent {
  model: string;
  offeredBy: string;
  wording: string;
  /** RFC 3339, not before now; now when there is none. */
  effectiveFrom: string | undefined;
}

/**
 * Offers terms to those who will make models from this one. Whoever has accepted earlier terms keeps them.
 * @throws Refusal not_found, parameter_invalid, version_exists
 */
export async function offerRoyaltyTerms(
  sql: Sql,
  catalog: CatalogStore,
  offer: Offer,
): Promise<RoyaltyTerms> {
  const { model, offeredBy, percent, of, wording } = offer;
  const at = now();
  const owner = versionAt((await catalog.current()).models.get(model)?.lineage ?? [], at)?.payee;
  if (owner !== offeredBy) throw new Refusal("not_found", `there is no model ${model} of ${offeredBy}`);
  const { effectiveFrom } = offer;
  if (effectiveFrom !== undefined && present(parseInstant(effectiveFrom), "a time") < at)
    throw invalidField("effective_from", "not before now: leave it out for now");
  const id = `rt_${randomBytes(9).toString("base64url")}`;
  const made = await sql`
    INSERT INTO royalty_terms (id, model, offered_by, percent, "of", wording, effective_from)
    VALUES (${id}, ${model}, ${offeredBy}, ${percent}, ${of}, ${wording},
      coalesce(${effectiveFrom ?? null}::timestamptz, clock_timestamp()))
    ON CONFLICT (model, effective_from) DO NOTHING RETURNING 1`;
  if (made.length === 0)
    throw new Refusal("version_exists", `${model} has terms from that very moment on: take another one`);
  return present((await listRoyaltyTerms(sql, { id })).at(0), "the terms");
}

/**
 * Of some models, those that a payee offered, or the one with this id; the latest first. What was withdrawn replaces nothing.
 * `after` is the id of the last one already seen.
 */
export async function listRoyaltyTerms(
  sql: Sql,
  of: { id?: string; models?: readonly string[]; offeredBy?: string; after?: string; limit?: number },
): Promise<RoyaltyTerms[]> {
  const { id = null, models = null, offeredBy = null, after = null, limit = null } = of;
  return sql<RoyaltyTerms[]>`
    SELECT t.id, t.model, t.offered_by, t.percent, t."of", t.wording, iso(t.effective_from) AS effective_from,
      iso(t.offered_at) AS offered_at, iso(e.ends_at) AS ends_at,
      CASE WHEN e.kind = 'withdrawn' THEN 'withdrawn' WHEN t.effective_from > clock_timestamp() THEN 'upcoming'
        WHEN n.next <= clock_timestamp() THEN 'replaced' WHEN e.ends_at <= clock_timestamp() THEN 'ended'
        ELSE 'in_force' END AS state
    FROM royalty_terms t LEFT JOIN royalty_terms_end e ON e.terms = t.id
    LEFT JOIN LATERAL (SELECT min(o.effective_from) AS next FROM royalty_terms o
      WHERE o.model = t.model AND o.effective_from > t.effective_from
        AND NOT EXISTS (SELECT FROM royalty_terms_end w WHERE w.terms = o.id AND w.kind = 'withdrawn')) n ON true
    WHERE (${id}::text IS NULL OR t.id = ${id}) AND (${models}::text[] IS NULL OR t.model = ANY (${models}::text[]))
      AND (${offeredBy}::text IS NULL OR t.offered_by = ${offeredBy})
      AND (${after}::text IS NULL OR EXISTS (SELECT FROM royalty_terms s WHERE s.id = ${after}
        AND (t.effective_from < s.effective_from OR (t.effective_from = s.effective_from AND t.id > s.id))))
    ORDER BY t.effective_from DESC, t.id LIMIT ${limit}::bigint`;
}

/** What must be accepted now by those who make a model from one of these, by model; none where its owner asks for nothing. */
export async function royaltyTermsInForce(
  sql: Sql,
  models: readonly string[],
): Promise<Map<string, RoyaltyTerms>> {
  const inForce = (await listRoyaltyTerms(sql, { models })).filter(({ state }) => state === "in_force");
  return new Map(inForce.map((terms) => [terms.model, terms]));
}
