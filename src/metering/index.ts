export { buildBatch, placeInLog, rawEvents } from "./batch/build-batch.ts";
export { eachTimed, lastPlaces } from "./batch/packed-events.ts";
export { consumeLog, type MeteringObserver } from "./consume-log.ts";
export { foldCustomerWindows } from "./fold-customer-windows.ts";
export { forgetIdentities } from "./forget-identities.ts";
export { linkChainedEvents } from "./link-chained-events.ts";
export { mergeExtents } from "./merge-extents.ts";
export { mergeWindows } from "./merge-windows.ts";
export {
  type AcceptedLoss,
  acceptLogLoss,
  type PartitionState,
  partitionStates,
} from "./position/log-loss.ts";
export {
  interruptedProgress,
  lagOf,
  oldestUnmeteredMs,
  type PartitionProgress,
  type Progress,
  positionsOf,
  progressAfter,
} from "./progress.ts";
export {
  type DeadLetter,
  deadLetters,
  identitiesOfId,
  type MeteringCursor,
  type MeteringStatus,
  meteringCursors,
  meteringStatus,
  parkedWaiting,
} from "./queries.ts";
export { parkedSweep, releaseParked } from "./release-parked.ts";
export { replayDeadLetter } from "./replay-dead-letter.ts";
