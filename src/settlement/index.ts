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
export {
  type CarryReason,
  type Due,
  type Obstacle,
  obstaclesTo,
  type PayeeSituation,
  type Schedule,
} from "./plan/obstacles.ts";
export type { SettlementPlan } from "./plan/plan-settlement.ts";
export type { AccountReadiness } from "./plan/read-candidates.ts";
export { changesSinceLastPlan, type PlanChange, planChanges } from "./plan-changes.ts";
export { planMonth } from "./plan-month.ts";
export { findSettlement, listSettlements, type SettlementRow } from "./queries.ts";
export { runAlone } from "./run-alone.ts";
export { buildStatement, type LineFigures, type Statement } from "./statement.ts";
export { conversionsBooked } from "./terms/conversions.ts";
export { type FxRate, fxRates, storeFxRate } from "./terms/fx-rates.ts";
export { type EffectiveTerms, type PayoutTerms, payoutTerms, setPayoutTerms } from "./terms/payout-terms.ts";
export { type ReserveRule, releaseReserves, reserveRules, setReserveRule } from "./terms/reserves.ts";
export {
  recordTaxForm,
  setTaxFormRule,
  TAX_FORM_STATES,
  TAX_FORMS,
  type TaxForm,
  type TaxFormRule,
  taxFormOf,
  taxFormRules,
} from "./terms/tax-forms.ts";
export { withdrawPlan } from "./withdraw-plan.ts";
export { type FigureRow, parseFigures } from "./write-statements.ts";
