export {
  DRIFT_FIGURES,
  type DriftRule,
  deleteDriftRule,
  findDrift,
  setDriftRule,
} from "./drift/drift-rules.ts";
export { lookForDrift } from "./drift/look-for-drift.ts";
export { EXPORT_COLUMNS } from "./export/columns.ts";
export { type ExportedPrediction, exportedPredictions } from "./export/exported-predictions.ts";
export { EXPORTED_MAX, measureExport } from "./export/measure-export.ts";
export { writeParquet } from "./export/write-parquet.ts";
export {
  type Feedback,
  type FeedbackSubject,
  feedbackOf,
  type Opinion,
  setFeedback,
  withdrawFeedback,
} from "./feedback/feedback.ts";
export {
  countFeedback,
  type ExportedFeedback,
  exportFeedback,
  type FeedbackCounts,
} from "./feedback/feedback-queries.ts";
export { findInputSchema, setInputSchema } from "./input-schemas.ts";
export {
  CUSTOMER_DIMENSIONS,
  type CustomerDimension,
  type CustomerInsightRow,
  customerInsight,
} from "./insight/customer-insight.ts";
export { INSIGHT_DIMENSIONS, type InsightDimension, modelInsight } from "./insight/model-insight.ts";
export { sketchLatencies } from "./insight/sketch-latencies.ts";
export { DataKeys } from "./payloads/data-keys.ts";
export type { PredictionPayload } from "./payloads/payload.ts";
export { findPayload, type PayloadStore, storePayloads } from "./payloads/store-payloads.ts";
export { KEY_BYTES, type MasterKey, masterKey } from "./payloads/vault.ts";
export { type ErasureReport, eraseCustomer } from "./retention/erase.ts";
export { findRule, type RetentionRule, setRule } from "./retention/rules.ts";
export { type SweepProgress, sweepPayloads } from "./retention/sweep.ts";
export { createShare, deleteShare, findShared, listShares, type Share, type Shared } from "./shares.ts";
