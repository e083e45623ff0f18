export { allot, allotter } from "./allot.ts";
export { DEFAULT_POLICY, OWNER, Percent, PercentOf, PolicySteps } from "./policy.ts";
export {
  type Part,
  type PartReason,
  type Split,
  splitGross,
  type TakenStep,
  type Waterfall,
} from "./split-gross.ts";
export {
  LINEAGE_LEVELS_MAX,
  type LineageLevel,
  planCost,
  planHash,
  planPayees,
  redirectPlan,
  resolveSplitPlan,
  type SplitPlan,
} from "./split-plan.ts";
