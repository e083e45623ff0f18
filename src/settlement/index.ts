export { approvePlan } from "./approve-plan.ts";
export {
  freezePayee,
  type PayoutStop,
  payoutStop,
  resumePayouts,
  setMinimumPayout,
  stopPayouts,
  unfreezePayee,
} from "./brakes.ts";
export { type CloseOptions, closeMonth } from "./close-month.ts";
export {
  listNettings,
  type Netting,
  type NettingRule,
  nettingRules,
  setNettingRule,
} from "./netting.ts";
export { changesSinceLastPlan, type PlanChange, planChanges } from "./plan-changes.ts";
export { type AccountReadiness, planMonth } from "./plan-month.ts";
export type { SettlementPlan } from "./plan-settlement.ts";
export { findSettlement, listSettlements, type SettlementRow } from "./queries.ts";
export { runAlone } from "./run-alone.ts";
export { buildStatement, type LineFigures, type Statement } from "./statement.ts";
