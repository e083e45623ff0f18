import { randomBytes } from "node:crypto";
import { type Catalog, type CatalogStore, versionAt } from "../catalog/index.ts";
import { now, present, Refusal } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";
import {
  listRoyaltyTerms,
  type RoyaltyPercent,
  type RoyaltyTerms,
  royaltyTermsInForce,
} from "./royalty-terms.ts";

export interface RoyaltyAcceptance extends RoyaltyPercent {
  id: string;
  terms: string;
  base_model: string;
  offered_by: string;
  wording: string;
  /** The fine-tune, and whose it is. */
  model: string;
  payee: string;
  accepted_as: "payee" | "operator";
  accepted_at: string;
  /** Seals the acceptance with what was accepted. */
  hash: string;
  /** The model was registered under it. */
  registered: boolean;
  /** What the model's policy sends up now; null where it sends up nothing, or there is no such model yet. */
  carried: RoyaltyPercent | null;
}

export interface Acceptance {
  terms: string;
  model: string;
  payee: string;
  as: "payee" | "operator";
  by: string;
}

/**
 * Accepts terms for a model that its payee is about to have registered; again, it is the same acceptance.
 * @throws Refusal not_found, royalty_terms_replaced, model_registered
 */
export async function acceptRoyaltyTerms(
  sql: Sql,
  catalog: CatalogStore,
  { terms: id, model, payee, as, by }: Acceptance,
): Promise<RoyaltyAcceptance> {
  const [terms] = await listRoyaltyTerms(sql, { id });
  if (terms === undefined) throw new Refusal("not_found", `there are no royalty terms ${id}`);
  if (terms.state !== "in_force") throw await notInForce(sql, terms);
  const registered = versionAt((await catalog.current()).models.get(model)?.lineage ?? [], now());
  if (registered !== undefined && registered.payee !== payee)
    throw new Refusal("not_found", `there is no model ${model} of ${payee}`);
  if (registered?.baseModel === terms.model) {
    const message = `${model} is registered with the base ${terms.model} already: its policy holds as it is`;
    throw new Refusal("model_registered", message);
  }
  const made = `ra_${randomBytes(9).toString("base64url")}`;
  const [row] = await sql<[{ id: string }]>`
    SELECT accept_royalty_terms(${made}, ${id}, ${model}, ${payee}, ${as}, ${by}) AS id`.catch(
    async (error: unknown) => {
      // Taken back, or over, since they were looked at.
      throw refusedByDatabase(error)?.code === "royalty_terms_replaced"
        ? await notInForce(sql, present((await listRoyaltyTerms(sql, { id })).at(0), "the terms"))
        : error;
    },
  );
  return present(
    (await listRoyaltyAcceptances(sql, catalog, { id: row.id, limit: 1 })).at(0),
    "an acceptance",
  );
}

async function notInForce(sql: Sql, { model, state, ends_at }: RoyaltyTerms): Promise<Refusal> {
  const other = (await royaltyTermsInForce(sql, [model])).get(model)?.id;
  const how = state === "ended" ? `ended at ${ends_at}` : `are ${state}`;
  const next = other === undefined ? "none are asked for now" : `in force now: ${other}`;
  return new Refusal("royalty_terms_replaced", `these terms of ${model} ${how}; ${next}`);
}

/** The newest first: of one payee what it accepted and what was accepted of it, or everybody's. `after` is the last one already seen. */
export async function listRoyaltyAcceptances(
  sql: Sql,
  catalog: CatalogStore,
  filter: { id?: string; party?: string; model?: string; after?: string; limit: number },
): Promise<RoyaltyAcceptance[]> {
  const { id = null, party = null, model = null, after = null, limit } = filter;
  const rows = await sql<Omit<RoyaltyAcceptance, "carried">[]>`
    SELECT a.id, a.terms, t.model AS base_model, a.offered_by, t.percent, t."of", t.wording, a.model, a.payee, a.accepted_as,
      iso(a.accepted_at) AS accepted_at, a.hash,
      EXISTS (SELECT FROM royalty_registration r WHERE r.acceptance = a.id) AS registered
    FROM royalty_acceptance a JOIN royalty_terms t ON t.id = a.terms
    WHERE (${id}::text IS NULL OR a.id = ${id}) AND (${party}::text IS NULL OR ${party} IN (a.payee, a.offered_by))
      AND (${model}::text IS NULL OR ${model} IN (a.model, t.model))
      AND (${after}::text IS NULL OR EXISTS (SELECT FROM royalty_acceptance s WHERE s.id = ${after}
        AND (a.accepted_at < s.accepted_at OR (a.accepted_at = s.accepted_at AND a.id > s.id))))
    ORDER BY a.accepted_at DESC, a.id LIMIT ${limit}`;
  const known = await catalog.current();
  return rows.map((row) => ({ ...row, carried: carriedNow(known, row.model, row.base_model) }));
}

function carriedNow({ models, defaultPolicies }: Catalog, id: string, base: string): RoyaltyPercent | null {
  const [model, at] = [models.get(id), now()];
  if (versionAt(model?.lineage ?? [], at)?.baseModel !== base) return null;
  const policy = versionAt(model?.policies ?? [], at) ?? versionAt(defaultPolicies, at);
  const royalty = policy?.steps.find((step) => step.take === "royalty");
  return royalty === undefined ? null : { percent: royalty.percent, of: royalty.of };
}
