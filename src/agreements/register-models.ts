import { type Catalog, type CatalogDocument, type CatalogStore, versionAt } from "../catalog/index.ts";
import {
  BEGINNING_OF_TIME,
  canonicalJson,
  formatInstant,
  type Instant,
  now,
  parseInstant,
  present,
  Refusal,
} from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import { PolicySteps } from "../sharing/index.ts";
import { type Acceptance, acceptRoyaltyTerms } from "./royalty-acceptances.ts";
import { type RoyaltyPercent, royaltyTermsInForce } from "./royalty-terms.ts";

type ModelRow = CatalogDocument["models"][number];
type PolicyRow = CatalogDocument["policies"][number];

/** What of royalty terms a registration needs. */
interface Terms extends RoyaltyPercent {
  id: string;
  /** The base model. */
  model: string;
}

/**
 * Changes the catalogue. A model whose base asks for royalties is registered only when its payee has accepted the terms, or
 * accepts them by the row's `royalty_terms`; its policy carries them from the same moment on, until an operator posts another.
 * Terms that were accepted for the model hold, also where they were replaced or have ended since.
 * @throws Refusal royalty_terms_not_accepted, royalty_terms_replaced, policy_invalid, and those of the catalogue
 */
export async function changeUnderTerms(
  sql: Sql,
  catalog: CatalogStore,
  document: CatalogDocument,
  by: string,
): Promise<void> {
  const [before, at] = [await catalog.current(), now()];
  const [models, policies] = [[...document.models], [...document.policies]];
  const [offers, accepted] = [await offersFor(sql, document), await acceptedFor(sql, document)];
  const toAccept: Acceptance[] = [];
  let agreed = false;
  for (const [index, row] of document.models.entries()) {
    const [offered, agreedTo] = [offers.get(row.base_model ?? ""), accepted.get(acceptedKey(row))];
    const terms = row.royalty_terms === offered?.id ? (offered ?? agreedTo) : (agreedTo ?? offered);
    if (terms === undefined || !concerns(before, row, terms, at)) continue;
    const from = beginningOf(before, row, at);
    models[index] = { ...row, effective_from: from };
    const policy = carrying(before, policies, { terms, model: row.id, from });
    if (policy !== undefined) policies.push(policy);
    const named = row.royalty_terms ?? terms.id;
    if (terms.id !== agreedTo?.id || named !== terms.id) toAccept.push(acceptedBy(row, { terms, index, by }));
    agreed = true;
  }
  for (const acceptance of toAccept) await acceptRoyaltyTerms(sql, catalog, acceptance);
  await catalog.change({ ...document, models, policies }, { by });
  if (agreed) await sql`SELECT note_royalty_registrations()`;
}

async function offersFor(sql: Sql, { models }: CatalogDocument): Promise<Map<string, Terms>> {
  const bases = new Set(models.flatMap(({ base_model }) => base_model ?? []));
  return bases.size === 0 ? new Map() : royaltyTermsInForce(sql, [...bases]);
}

/** Not where the lineage is as it was, nor where somebody's own model is the base. */
function concerns({ models }: Catalog, row: ModelRow, { model: base }: Terms, at: Instant): boolean {
  const known = versionAt(models.get(row.id)?.lineage ?? [], momentOf(row) ?? at);
  const owner = versionAt(models.get(base)?.lineage ?? [], at)?.payee;
  return owner !== row.payee && (known?.baseModel !== base || known.payee !== row.payee);
}

/** The terms accepted last for each of the models, by whoever is to be its payee. */
async function acceptedFor(sql: Sql, { models }: CatalogDocument): Promise<Map<string, Terms>> {
  const ids = models.filter(({ base_model }) => base_model != null).map(({ id }) => id);
  if (ids.length === 0) return new Map();
  const rows = await sql<(Terms & { made: string; payee: string })[]>`
    SELECT a.model AS made, a.payee, t.id, t.model, t.percent, t."of"
    FROM royalty_acceptance a JOIN royalty_terms t ON t.id = a.terms
    WHERE a.model = ANY (${ids}::text[]) ORDER BY a.accepted_at, a.id`;
  return new Map(
    rows.map(({ made, payee, ...terms }) => [
      acceptedKey({ id: made, payee, base_model: terms.model }),
      terms,
    ]),
  );
}

function acceptedKey({ id, payee, base_model }: Pick<ModelRow, "id" | "payee" | "base_model">): string {
  return [id, payee, base_model].join(" ");
}

/** An operator accepts in the payee's name. @throws Refusal royalty_terms_not_accepted, where it does not */
function acceptedBy(
  { id: model, payee, royalty_terms }: ModelRow,
  { terms, index, by }: { terms: Terms; index: number; by: string },
): Acceptance {
  if (royalty_terms === terms.id) return { terms: terms.id, model, payee, as: "operator", by };
  const message = `${terms.model} may be a base under its royalty terms ${terms.id} (${terms.percent} % of the ${terms.of}): ${payee} accepts them with POST /v1/royalty-terms/${terms.id}/accept, or this request does with royalty_terms: "${terms.id}"`;
  const path = `models[${index}].royalty_terms`;
  throw new Refusal("royalty_terms_not_accepted", message, [
    { path, code: "royalty_terms_not_accepted", message },
  ]);
}

/** As the catalogue would have it, but said: the policy begins at the very same moment. */
function beginningOf({ models }: Catalog, row: ModelRow, at: Instant): string {
  if (row.effective_from !== undefined) return row.effective_from;
  return formatInstant(models.has(row.id) ? at : BEGINNING_OF_TIME);
}

function momentOf(row: ModelRow): Instant | undefined {
  return row.effective_from === undefined
    ? undefined
    : present(parseInstant(row.effective_from), "a validated time");
}

/**
 * The policy with what was accepted; undefined where the document has it already.
 * @throws Refusal policy_invalid
 */
function carrying(
  { models, defaultPolicies }: Catalog,
  policies: readonly PolicyRow[],
  { terms, model, from }: { terms: Terms; model: string; from: string },
): PolicyRow | undefined {
  const at = present(parseInstant(from), "a time");
  const royalty = { take: "royalty", percent: terms.percent, of: terms.of } as const;
  const own = policies.findIndex((row) => row.model === model && parseInstant(row.effective_from) === at);
  if (own >= 0) {
    if (policies[own]?.steps.some((step) => canonicalJson(step) === canonicalJson(royalty))) return undefined;
    throw invalid(
      `it begins with the model, so its royalty is what was accepted, ${terms.percent} % of the ${terms.of}: another one is posted later`,
      `policies[${own}].steps`,
    );
  }
  const inForce =
    versionAt(models.get(model)?.policies ?? [], at) ?? present(versionAt(defaultPolicies, at), "a policy");
  const others = inForce.steps.filter(({ take }) => take !== "royalty");
  const steps = PolicySteps.safeParse([...others.slice(0, -1), royalty, ...others.slice(-1)]);
  if (!steps.success)
    throw invalid(
      `with a royalty of ${terms.percent} % of the ${terms.of} ${model}'s policy does not work: ${steps.error.issues[0]?.message}`,
      "royalty_terms",
    );
  return { model, effective_from: from, steps: steps.data };
}

function invalid(message: string, path: string): Refusal {
  return new Refusal("policy_invalid", message, [{ path, code: "policy_invalid", message }]);
}
