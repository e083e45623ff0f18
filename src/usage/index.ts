export { type Acceptance, acceptEvents, EVENTS_PER_BATCH_MAX } from "./accept-events.ts";
export { CloudEvent, EVENT_TYPE, PAYLOAD_FIELDS } from "./cloud-event.ts";
export { GroupCommit } from "./group-commit.ts";
export { billedContent, eventIdentity } from "./identity.ts";
export { partitionOfKey } from "./partition-of-key.ts";
export { readQuantities } from "./read-quantities.ts";
export { eventOfReplicatePrediction, ReplicatePrediction } from "./replicate-prediction.ts";
export { EVENT_REFUSALS, readUsageEvent, type UsageEvent } from "./usage-event.ts";
export {
  BATCH_BYTES_MAX,
  BATCH_RECORDS_MAX,
  type LogAppend,
  type LogBatch,
  type LogExtent,
  LogIdentityChanged,
  type LogReader,
  type LogReading,
  type LogRecord,
  LogUnavailable,
  type UsageLog,
} from "./usage-log.ts";
