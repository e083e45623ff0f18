export { type Balance, balancesOf } from "./balances.ts";
export { findStatements, listPayouts, type PayoutView, statementsOf } from "./documents.ts";
export { EARNINGS_DIMENSIONS, type EarningsDimension, type EarningsRow, earningsOf } from "./earnings.ts";
export {
  type ExplainedWaterfall,
  type Explanation,
  explainEarnings,
} from "./explain.ts";
export { findPredictions, type PredictionView } from "./prediction.ts";
export { type Preview, previewDraft } from "./preview.ts";
