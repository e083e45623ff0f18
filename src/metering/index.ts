export { buildBatch } from "./build-batch.ts";
export { consumeLog } from "./consume-log.ts";
export { type DeadLetter, deadLetters, type MeteringStatus, meteringStatus } from "./queries.ts";
export { releaseParked } from "./release-parked.ts";
export { replayDeadLetter } from "./replay-dead-letter.ts";
