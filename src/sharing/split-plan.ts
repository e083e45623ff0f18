import { assert, contentHash } from "../kernel/index.ts";
import { OWNER, type PolicyStep, type PolicySteps } from "./policy.ts";

export const LINEAGE_LEVELS_MAX = 8;

/** A model at one moment: who owns it and how its gross is split. The first is the model run, then its base, and so on. */
export interface LineageLevel {
  model: string;
  owner: string;
  steps: PolicySteps;
}

export type PlanStep =
  | Extract<PolicyStep, { take: "cost" | "platform" | "shares" }>
  | (Extract<PolicyStep, { take: "royalty" }> & { base: PlanNode });

export interface PlanNode {
  model: string;
  steps: PlanStep[];
}

/**
 * A revenue policy resolved at one moment with the policies of the whole lineage inside it. Immutable: its name is
 * the hash of its content. `redirect` names the payee whose own parts go to the platform (self-dealing).
 */
export interface SplitPlan extends PlanNode {
  redirect?: string;
}

/** Flattens a lineage, model run first. A royalty without a base takes nothing, so its step is left out. */
export function resolveSplitPlan(lineage: readonly LineageLevel[]): SplitPlan {
  assert(lineage.length > 0 && lineage.length <= LINEAGE_LEVELS_MAX, "a lineage has one to eight levels");
  return resolveLevel(lineage, 0);
}

function resolveLevel(lineage: readonly LineageLevel[], depth: number): PlanNode {
  const level = lineage[depth];
  assert(level !== undefined, "the level exists");
  const steps: PlanStep[] = [];
  for (const step of level.steps) {
    if (step.take === "royalty") {
      if (depth + 1 < lineage.length) steps.push({ ...step, base: resolveLevel(lineage, depth + 1) });
    } else if (step.take === "shares") {
      steps.push({ take: "shares", shares: sharesOf(step.shares, level.owner) });
    } else if (depth === 0) {
      // The marketplace's cost and fee are taken once, at the model that was run.
      steps.push(step);
    }
  }
  return { model: level.model, steps };
}

function sharesOf(
  shares: { payee: string; weight: number }[],
  owner: string,
): { payee: string; weight: number }[] {
  return shares
    .filter((share) => share.weight > 0)
    .map((share) => (share.payee === OWNER ? { payee: owner, weight: share.weight } : share));
}

/** The same plan for a customer who is linked to `payee`: that payee's own parts go to the platform. */
export function redirectPlan(plan: SplitPlan, payee: string): SplitPlan {
  return { ...plan, redirect: payee };
}

export function planHash(plan: SplitPlan): string {
  return contentHash(plan);
}

/** Everyone a plan may pay, each once. */
export function planPayees(plan: PlanNode): string[] {
  const payees = new Set<string>();
  for (const step of plan.steps) {
    if (step.take === "shares") for (const share of step.shares) payees.add(share.payee);
    if (step.take === "royalty") for (const payee of planPayees(step.base)) payees.add(payee);
  }
  return [...payees];
}

/** The cost step, when the model run has one: its meter is summed, its currency binds the plan. */
export function planCost(plan: PlanNode): Extract<PlanStep, { take: "cost" }> | undefined {
  return plan.steps.find((step) => step.take === "cost");
}
