export { accrueOpenPeriods, accruePeriod } from "./accrue.ts";
export { type PeriodTotals, periodTotals } from "./period-totals.ts";
export { planAccrual, type UsageLine } from "./plan-accrual.ts";
