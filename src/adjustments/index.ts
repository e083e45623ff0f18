export {
  approveCorrection,
  type CorrectionOutcome,
  correct,
  draftCorrection,
  type NewCorrection,
  withdrawCorrection,
} from "./corrections/correction.ts";
export type { CorrectionAsked, PlannedCorrection } from "./corrections/plan-correction.ts";
export { type CorrectionView, listCorrections } from "./corrections/queries.ts";
export { loseDispute, type NewDispute, openDispute, winDispute } from "./disputes/dispute.ts";
export { disputeEventHandlers } from "./disputes/dispute-events.ts";
export { type LineNow, linesNow } from "./lines/closed-usage.ts";
export {
  type ClosedLine,
  type LinePart,
  type LineState,
  lineTargets,
  planLineAdjustment,
  UNTOUCHED,
} from "./lines/line-targets.ts";
export type {
  ProviderCreditNote,
  ProviderDispute,
  ProviderRefund,
  RefundRecord,
} from "./provider-refunds.ts";
export {
  notesAtProvider,
  type PushedRefund,
  pushedRefunds,
  refundPushDue,
  resendRefund,
  whyNotAtProvider,
} from "./push/queries.ts";
export {
  type MadeOutcome,
  REFUND_MEANS,
  type RefundMaker,
  type RefundMeans,
  type RefundToMake,
} from "./push/refund-maker.ts";
export { type SentRefunds, sendDueRefunds } from "./push/send-due-refunds.ts";
export {
  type AdjustedPart,
  type AdjustmentView,
  adjustedParts,
  type DisputeView,
  listAdjustments,
  listDisputes,
  refundOfPrediction,
} from "./queries.ts";
export type { RefundAsked, RefundPlan } from "./refunds/plan-refund.ts";
export { draftRefund, type Refund, recordMoneyReturned, refund, returnRefund } from "./refunds/refund.ts";
export { refundEventHandlers } from "./refunds/refund-events.ts";
export { type RefundPolicy, refundPolicies, setRefundPolicy } from "./refunds/refund-policy.ts";
