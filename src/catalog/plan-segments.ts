import { formatInstant } from "../kernel/index.ts";
import { planCost, planHash, planPayees, redirectPlan, type SplitPlan } from "../sharing/index.ts";
import { type Catalog, type Segment, splitMoments, splitPlanAt } from "./catalog.ts";

interface PlanRow {
  hash: string;
  content: SplitPlan;
  cost_meter: string | null;
  cost_currency: string | null;
  payees: string[];
}

/** Resolves anew which plan splits which model when, for models whose policies or lineage changed. */
export function planSegments(after: Catalog, models: Iterable<string>) {
  const plans = new Map<string, PlanRow>();
  const redirects: { plan: string; payee: string; redirected: string }[] = [];
  const segments: { model: string; effective_from: string; plan: string }[] = [];
  for (const id of models) {
    const model = after.models.get(id);
    if (model === undefined) continue;
    const next = segmentsOf(after, id, model.segments, plans);
    after.models.set(id, { ...model, segments: next });
    segments.push(
      ...next.map((s) => ({ model: id, effective_from: formatInstant(s.effectiveFrom), plan: s.plan })),
    );
  }
  for (const { hash, content, payees } of [...plans.values()]) {
    for (const payee of payees) {
      const redirected = planRow(redirectPlan(content, payee));
      plans.set(redirected.hash, redirected);
      redirects.push({ plan: hash, payee, redirected: redirected.hash });
    }
  }
  return { segments, plans: [...plans.values()], redirects };
}

/**
 * A segment begins where the plan changes. One that began earlier keeps its beginning although the plan may be the
 * same on both sides: usage is recorded against it.
 */
function segmentsOf(after: Catalog, id: string, before: Segment[], plans: Map<string, PlanRow>): Segment[] {
  const segments: Segment[] = [];
  for (const effectiveFrom of splitMoments(after, id)) {
    const plan = splitPlanAt(after, id, effectiveFrom);
    if (plan === undefined) continue;
    const row = planRow(plan);
    const began = before.some((segment) => segment.effectiveFrom === effectiveFrom);
    if (segments.at(-1)?.plan === row.hash && !began) continue;
    plans.set(row.hash, row);
    segments.push({ effectiveFrom, plan: row.hash });
  }
  return segments;
}

function planRow(content: SplitPlan): PlanRow {
  const cost = planCost(content);
  return {
    hash: planHash(content),
    content,
    cost_meter: cost?.meter ?? null,
    cost_currency: cost?.currency ?? null,
    payees: planPayees(content),
  };
}
