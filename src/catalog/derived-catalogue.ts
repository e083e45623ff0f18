import { parseInstant, present } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import { loadCatalog } from "./load-catalog.ts";
import { planSegments } from "./plan-segments.ts";

/** What follows from the catalogue's versions, one line of text each, for comparing with what is stored. */
export interface DerivedCatalogue {
  /** "model from <microseconds since 1970> by <the plan's hash>". */
  segments: string[];
  /** "<the plan's hash> for <payee> is <the hash of the plan without its own parts>". */
  redirects: string[];
}

/** Resolves every model's policies and lineage for all times, from the versions and not from what was stored of them. */
export async function derivedCatalogue(sql: Sql): Promise<DerivedCatalogue> {
  const catalog = await loadCatalog(sql);
  const { segments, redirects } = planSegments(catalog, [...catalog.models.keys()]);
  return {
    segments: segments.map(({ model, effective_from, plan }) => {
      const from = present(parseInstant(effective_from), "an instant");
      return `${model} from ${from} by ${plan}`;
    }),
    redirects: redirects.map(({ plan, payee, redirected }) => `${plan} for ${payee} is ${redirected}`),
  };
}
