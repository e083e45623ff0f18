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
