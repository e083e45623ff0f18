import { createHash } from "node:crypto";
import { type Check, DIFFERENCES_MAX, sqlCheck } from "../check.ts";

const field = (text: string) => `${Buffer.byteLength(text)}:${text}`;

/** Computes every hash anew, from the rows as they stand and not with the function that wrote them. */
export const acceptancesSealed: Check = {
  law: "every acceptance of royalty terms is the hash of itself and of what was accepted",
  async find(sql) {
    const rows = await sql<
      { id: string; terms: string; fields: (string | null)[]; hash: string; theirs: boolean }[]
    >`
      SELECT a.id, a.terms, a.hash, a.offered_by IS NOT DISTINCT FROM t.offered_by AS theirs, ARRAY[a.id, a.terms, a.model, a.payee,
        a.accepted_as, a.accepted_by, iso(a.accepted_at), t.model, t.offered_by, t.percent, t."of", t.wording,
        iso(t.effective_from), iso(t.offered_at)] AS fields
      FROM royalty_acceptance a LEFT JOIN royalty_terms t ON t.id = a.terms ORDER BY a.id`;
    return rows
      .filter(({ fields, hash, theirs }) => {
        const text = fields.map((one) => field(one ?? "")).join("");
        return !theirs || createHash("sha256").update(text).digest("hex") !== hash;
      })
      .map(({ id, terms }) => `royalty acceptance ${id}: it or the royalty terms ${terms} were changed`)
      .slice(0, DIFFERENCES_MAX);
  },
};

export const termsEndedOnce: Check = {
  law: "every end of royalty terms is the hash of itself, and nobody accepted them after it",
  async find(sql) {
    const rows = await sql<
      { terms: string; fields: (string | null)[]; hash: string; after: string[] | null }[]
    >`
      SELECT e.terms, e.hash, ARRAY[e.terms, e.kind, iso(e.ends_at), e.noted_by, iso(e.noted_at)] AS fields,
        (SELECT array_agg(a.id ORDER BY a.id) FROM royalty_acceptance a
         WHERE a.terms = e.terms AND (e.kind = 'withdrawn' OR a.accepted_at >= e.ends_at)) AS after
      FROM royalty_terms_end e ORDER BY e.terms`;
    return rows
      .flatMap(({ terms, fields, hash, after }) => {
        const text = fields.map((one) => field(one ?? "")).join("");
        const sealed = createHash("sha256").update(text).digest("hex") === hash;
        return [
          ...(sealed ? [] : [`royalty terms end of ${terms}: it was changed`]),
          ...(after ?? []).map((id) => `royalty acceptance ${id}: the royalty terms ${terms} had ended`),
        ];
      })
      .slice(0, DIFFERENCES_MAX);
  },
};

export const registrationsCarried = sqlCheck(
  "a model registered under royalty terms begins with a policy that sends up what was accepted",
  `SELECT format('royalty registration of the royalty acceptance %s: policy %s of %s takes %s, accepted for %s were %s %% of the %s',
     g.acceptance, g.policy_no, m.id, s.step, a.model, t.percent, t."of") AS difference
   FROM royalty_registration g LEFT JOIN royalty_acceptance a ON a.id = g.acceptance LEFT JOIN royalty_terms t ON t.id = a.terms
   LEFT JOIN revenue_policy r USING (policy_no) LEFT JOIN model m USING (model_no)
   LEFT JOIN LATERAL (SELECT x AS step FROM jsonb_array_elements(r.steps) x WHERE x->>'take' = 'royalty') s ON true
   WHERE m.id IS DISTINCT FROM a.model OR m.id IS NULL OR s.step->>'percent' IS DISTINCT FROM t.percent
     OR s.step->>'of' IS DISTINCT FROM t."of"`,
);
