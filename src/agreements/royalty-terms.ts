import { randomBytes } from "node:crypto";
import { type CatalogStore, versionAt } from "../catalog/index.ts";
import { now, parseInstant, present, Refusal } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";

export const TERMS_STATES = ["upcoming", "in_force", "replaced"] as const;

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
  if (effectiveFrom !== undefined && present(parseInstant(effectiveFrom), "a time") < at) {
    const message = "not before now: leave it out for now";
    throw new Refusal("body_invalid", `effective_from: ${message}`, [
      { path: "effective_from", code: "body_invalid", message },
    ]);
  }
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

/** Of some models, or the one with this id; the latest first. */
export async function listRoyaltyTerms(
  sql: Sql,
  of: { id?: string; models?: readonly string[] },
): Promise<RoyaltyTerms[]> {
  const [id, models] = [of.id ?? null, of.models ?? null];
  return sql<RoyaltyTerms[]>`
    SELECT id, model, offered_by, percent, "of", wording, iso(effective_from) AS effective_from, iso(offered_at) AS offered_at,
      CASE WHEN effective_from > clock_timestamp() THEN 'upcoming' WHEN next <= clock_timestamp() THEN 'replaced'
        ELSE 'in_force' END AS state
    FROM (SELECT *, lead(effective_from) OVER (PARTITION BY model ORDER BY effective_from) AS next FROM royalty_terms
      WHERE model = ANY (${models}::text[]) OR model = (SELECT model FROM royalty_terms WHERE id = ${id})) t
    WHERE ${id}::text IS NULL OR id = ${id} ORDER BY t.effective_from DESC, id`;
}

/** What must be accepted now by those who make a model from one of these, by model; none where its owner asks for nothing. */
export async function royaltyTermsInForce(
  sql: Sql,
  models: readonly string[],
): Promise<Map<string, RoyaltyTerms>> {
  const inForce = (await listRoyaltyTerms(sql, { models })).filter(({ state }) => state === "in_force");
  return new Map(inForce.map((terms) => [terms.model, terms]));
}
