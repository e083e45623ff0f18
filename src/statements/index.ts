export { type Balance, balancesOf } from "./balances/balances.ts";
export { type WaitingBalance, waitingBalances } from "./balances/waiting.ts";
export {
  findStatements,
  listPayouts,
  type PayoutView,
  type StoredStatement,
  shortenedPayouts,
  storedStatements,
  toStatement,
} from "./documents.ts";
export {
  comparedWithPrevious,
  type EarningsRow,
  earningsOf,
} from "./earnings.ts";
export {
  type ExplainedWaterfall,
  type Explanation,
  explainEarnings,
} from "./explain.ts";
export { EARNINGS_DIMENSIONS, type EarningsDimension } from "./grouping/groups.ts";
export { creditedShares, nameOfTerm, type UsedTerm } from "./lines/credited-shares.ts";
export { type EarningsChanges, earningsChanges } from "./over-time/changes.ts";
export { firstLook } from "./over-time/first-look.ts";
export { type EarningsSeries, earningsSeries, SERIES_STEPS } from "./over-time/series.ts";
export { earningsCsv } from "./paper/earnings-csv.ts";
export { keptPaper } from "./paper/kept-papers.ts";
export { lettersNotPrinted } from "./paper/other-scripts.ts";
export { statementsCsv } from "./paper/statement-csv.ts";
export {
  type Party,
  type StatementDocument,
  statementDocuments,
} from "./paper/statement-document.ts";
export { statementPdf } from "./paper/statement-pdf.ts";
export { taxReports, taxReportsCsv } from "./paper/tax-report.ts";
export { findPredictions, type PredictionView } from "./prediction.ts";
export { type Chain, type ChainStep, chainOf, payersOf } from "./predictions/chain.ts";
export { type PredictionRange, type RangeSize, sizeOf } from "./predictions/event-blocks.ts";
export { type ListedPrediction, listPredictions } from "./predictions/listed-predictions.ts";
export { type StoredPrediction, storedPredictions } from "./predictions/stored-predictions.ts";
export type { TermFacts } from "./predictions/term-facts.ts";
export { type Preview, previewDraft } from "./preview.ts";
