export { type Acceptance, acceptEvents, EVENTS_PER_BATCH_MAX } from "./accept-events.ts";
export { GroupCommit } from "./group-commit.ts";
export { billedContent, eventIdentity } from "./identity.ts";
export { partitionOfKey } from "./partition-of-key.ts";
export { CloudEvent, EVENT_REFUSALS, EVENT_TYPE, readUsageEvent, type UsageEvent } from "./usage-event.ts";
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
