import { sqlCheck } from "../check.ts";

export const sharesAsAgreed = sqlCheck(
  "what everybody agreed to share is the policy that came of it, and nobody agreed who was not asked",
  `SELECT format('share proposal %s: its share_proposal_party rows say %s (%s of %s accepted), policy %s of %s from %s on says %s',
     p.id, s.shares, s.accepted, s.parties, p.policy_no, m.id, r.effective_from, r.steps->-1->'shares') AS difference
   FROM share_proposal p
   LEFT JOIN (SELECT proposal, count(*) AS parties, count(*) FILTER (WHERE answer = 'accepted') AS accepted,
       max(answered_at) AS agreed_at, array_agg(payee ORDER BY payee) AS payees,
       jsonb_agg(jsonb_build_object('payee', payee, 'weight', weight) ORDER BY payee) AS shares
     FROM share_proposal_party GROUP BY 1) s ON s.proposal = p.id
   LEFT JOIN revenue_policy r USING (policy_no) LEFT JOIN model m USING (model_no)
   WHERE s.parties IS NULL OR s.payees IS DISTINCT FROM ARRAY(SELECT unnest(p.parties) ORDER BY 1)
     OR NOT p.proposed_by = ANY (p.parties) OR p.state = 'accepted' AND (s.accepted < s.parties
       OR r.policy_no IS NULL OR m.id IS NOT NULL AND m.id <> p.model OR r.steps->-1->'shares' IS DISTINCT FROM s.shares
       -- One that said so before they agreed may have begun earlier.
       OR r.effective_from <> p.effective_from AND NOT (r.effective_from < p.effective_from AND r.created_at < s.agreed_at))
   UNION ALL
   SELECT format('share_proposal_party %s of %s: there is no such share proposal', payee, proposal)
   FROM share_proposal_party s WHERE NOT EXISTS (SELECT FROM share_proposal p WHERE p.id = s.proposal)`,
);
