export {
  type Acceptance,
  acceptEvents,
  acceptLogged,
  EVENTS_PER_BATCH_MAX,
  type TakenEvent,
} from "./accept-events.ts";
export { CloudEvent, EVENT_TYPE, PAYLOAD_FIELDS } from "./cloud-event.ts";
export { GroupCommit } from "./group-commit.ts";
export {
  billedContent,
  COLUMN_METERS,
  eventIdentity,
  subjectText,
  textFingerprint,
  UNMETERED,
} from "./identity.ts";
export { Digests } from "./logged/digests.ts";
export { elementEnd } from "./logged/element-end.ts";
export { type EventNames, NO_HARDWARE } from "./logged/event-names.ts";
export { LoggedEventReader } from "./logged/read-logged.ts";
export { partitionOfKey } from "./partition-of-key.ts";
export { readQuantities } from "./read-quantities.ts";
export { eventOfReplicatePrediction, REPLICATE_SOURCE, ReplicatePrediction } from "./replicate-prediction.ts";
export { acceptedTimes, EVENT_REFUSALS, readUsageEvent, type UsageEvent } from "./usage-event.ts";
export {
  BATCH_BYTES_MAX,
  BATCH_RECORDS_MAX,
  firstMissing,
  type LogAppend,
  type LogBatch,
  type LogExtent,
  LogIdentityChanged,
  type LogReader,
  type LogReading,
  type LogRecord,
  LogUnavailable,
  type MissingRecords,
  missingText,
  type UsageLog,
  valueBytes,
} from "./usage-log.ts";
