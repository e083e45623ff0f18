import { randomBytes } from "node:crypto";
import { type CatalogStore, versionAt } from "../catalog/index.ts";
import { canonicalJson, formatInstant, parseInstant, present, Refusal } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";
import type { PolicySteps } from "../sharing/index.ts";

export const PROPOSAL_STATES = ["open", "accepted", "declined", "withdrawn", "lapsed"] as const;
export type ProposalState = (typeof PROPOSAL_STATES)[number];

export interface Share {
  payee: string;
  /** Of what remains after fees and royalties, in proportion to the others'. */
  weight: number;
}

export interface ShareProposal {
  id: string;
  model: string;
  proposed_by: string;
  effective_from: string;
  state: ProposalState;
  reason: string | null;
  created_at: string;
  decided_at: string | null;
  shares: (Share & { answer: "accepted" | "declined" | null; answered_at: string | null })[];
}

interface Wanted {
  model: string;
  proposedBy: string;
  /** RFC 3339. */
  effectiveFrom: string;
  shares: Share[];
  by: string;
}

/**
 * Proposes how a model's income is shared. The owner has accepted by proposing; whoever shares now must be named, with the
 * weight 0 if need be: nobody loses a share without having said yes. What could not hold any more is not asked of anybody.
 * @throws Refusal not_found, payee_unknown, policy_invalid, effective_from_in_metered_past
 */
export async function proposeShares(sql: Sql, catalog: CatalogStore, wanted: Wanted): Promise<ShareProposal> {
  const { model, proposedBy, effectiveFrom, shares, by } = wanted;
  const { owner, steps } = await inForce(catalog, model, effectiveFrom);
  if (owner !== proposedBy) throw new Refusal("not_found", `there is no model ${model} of ${proposedBy}`);
  const known = (await catalog.current()).payees;
  for (const [index, { payee }] of shares.entries()) {
    if (known.has(payee)) continue;
    const field = {
      path: `shares[${index}].payee`,
      code: "payee_unknown",
      message: "there is no such payee",
    };
    throw new Refusal("payee_unknown", `there is no payee ${payee}`, [field]);
  }
  const named = new Set(shares.map(({ payee }) => payee));
  const left = [owner, ...sharers(steps, owner)].filter((payee) => !named.has(payee));
  if (left.length > 0) {
    const message = `name ${[...new Set(left)].join(", ")} too, with the weight 0 if they are to have no share: who owns or shares now must agree`;
    throw new Refusal("policy_invalid", `shares: ${message}`, [
      { path: "shares", code: "policy_invalid", message },
    ]);
  }
  const agreed = sharedAs(steps, shares);
  if (!same(agreed, steps))
    await catalog.check({ policies: [{ model, effective_from: effectiveFrom, steps: agreed }] });
  const id = `prop_${randomBytes(9).toString("base64url")}`;
  await sql`SELECT propose_shares(${id}, ${model}, ${proposedBy}, ${effectiveFrom}, ${JSON.stringify(shares)}::text::jsonb, ${by})`;
  return settled(sql, catalog, id);
}

/**
 * Notes what a payee says to a proposal; the last yes makes it a revenue policy. Saying the same again changes nothing.
 * @throws Refusal not_found, proposal_closed
 */
export async function answerProposal(
  sql: Sql,
  catalog: CatalogStore,
  { id, payee, answer, by }: { id: string; payee: string; answer: "accepted" | "declined"; by: string },
): Promise<ShareProposal> {
  await refusing(sql`SELECT answer_proposal(${id}, ${payee}, ${answer}, ${by})`, id);
  return settled(sql, catalog, id);
}

/** Takes an open proposal back. @throws Refusal not_found, proposal_closed */
export async function withdrawProposal(sql: Sql, id: string, payee: string): Promise<ShareProposal> {
  await refusing(sql`SELECT withdraw_proposal(${id}, ${payee})`, id);
  return present((await listProposals(sql, { id, limit: 1 }))[0], "a proposal");
}

async function refusing(work: Promise<unknown>, id: string): Promise<void> {
  try {
    await work;
  } catch (error) {
    const code = refusedByDatabase(error)?.code;
    if (code === "not_found") throw new Refusal("not_found", `there is no share proposal ${id}`);
    if (code === "proposal_closed")
      throw new Refusal(
        "proposal_closed",
        `${id} is decided, or everybody or you have answered it already: while it is open whoever proposed it can withdraw it; otherwise propose shares anew`,
      );
    throw error;
  }
}

/** Makes the policy of a proposal that everybody has accepted: also when a process died between the last yes and this. */
async function settled(sql: Sql, catalog: CatalogStore, id: string): Promise<ShareProposal> {
  const proposal = present((await listProposals(sql, { id, limit: 1 }))[0], "a proposal");
  const agreed = proposal.state === "open" && proposal.shares.every(({ answer }) => answer === "accepted");
  if (!agreed) return proposal;
  const reason = await makePolicy(catalog, proposal);
  await sql`SELECT decide_proposal(${id}, ${reason === null ? "accepted" : "lapsed"}, ${reason})`;
  return present((await listProposals(sql, { id, limit: 1 }))[0], "a proposal");
}

/** Null when it is made; otherwise why it cannot be any more. */
async function makePolicy(catalog: CatalogStore, proposal: ShareProposal): Promise<string | null> {
  const { model, effective_from, proposed_by } = proposal;
  const { owner, steps } = await inForce(catalog, model, effective_from);
  if (owner !== proposed_by) return `${proposed_by} does not own ${model} any more`;
  const shares = proposal.shares.map(({ payee, weight }) => ({ payee, weight }));
  const agreed = sharedAs(steps, shares);
  if (same(agreed, steps)) return null;
  try {
    await catalog.change({ policies: [{ model, effective_from, steps: agreed }] });
    return null;
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === "catalog_busy") throw error;
    // Somebody else's last yes may have made it in the same moment.
    return same(agreed, (await inForce(catalog, model, effective_from)).steps) ? null : error.message;
  }
}

function sharedAs(steps: PolicySteps, shares: Share[]): PolicySteps {
  return [...steps.slice(0, -1), { take: "shares", shares }];
}

function same(one: PolicySteps, other: PolicySteps): boolean {
  return canonicalJson(one) === canonicalJson(other);
}

async function inForce(catalog: CatalogStore, model: string, at: string) {
  const { models, defaultPolicies } = await catalog.current();
  const instant = present(parseInstant(at), "a time");
  const found = models.get(model);
  const owner = versionAt(found?.lineage ?? [], instant)?.payee;
  const policy = versionAt(found?.policies ?? [], instant) ?? versionAt(defaultPolicies, instant);
  if (owner === undefined || policy === undefined)
    throw new Refusal("not_found", `there is no model ${model} at ${formatInstant(instant)}`);
  return { owner, steps: policy.steps };
}

function sharers(steps: PolicySteps, owner: string): string[] {
  const last = steps.at(-1);
  if (last?.take !== "shares") return [owner];
  return last.shares
    .filter(({ weight }) => weight > 0)
    .map(({ payee }) => (payee === "$owner" ? owner : payee));
}

/** The newest first: of one payee what it is named in, or everything. `after` is the last one already seen. */
export async function listProposals(
  sql: Sql,
  of: { id?: string; payee?: string; model?: string; after?: string; limit: number },
): Promise<ShareProposal[]> {
  const { id = null, payee = null, model = null, after = null, limit } = of;
  return sql<ShareProposal[]>`
    SELECT p.id, p.model, p.proposed_by, iso(p.effective_from) AS effective_from, p.state, p.reason,
      iso(p.created_at) AS created_at, iso(p.decided_at) AS decided_at,
      (SELECT jsonb_agg(jsonb_build_object('payee', s.payee, 'weight', s.weight, 'answer', s.answer, 'answered_at', iso(s.answered_at))
         ORDER BY s.payee) FROM share_proposal_party s WHERE s.proposal = p.id) AS shares
    FROM share_proposal p
    WHERE (${id}::text IS NULL OR p.id = ${id}) AND (${payee}::text IS NULL OR ${payee} = ANY (p.parties))
      AND (${model}::text IS NULL OR p.model = ${model})
      AND (${after}::text IS NULL OR EXISTS (SELECT FROM share_proposal s WHERE s.id = ${after}
        AND (p.created_at < s.created_at OR (p.created_at = s.created_at AND p.id > s.id))))
    ORDER BY p.created_at DESC, p.id LIMIT ${limit}`;
}
