import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "../../postgres/index.ts";
import {
  LogIdentityChanged,
  type LogReader,
  type MissingRecords,
  missingText,
  valueBytes,
} from "../../usage/index.ts";
import { fetchBatch } from "./fetch-batch.ts";
import { Gathering } from "./gathering.ts";
import { logExtent } from "./log-extent.ts";
import type { Log } from "./read-log.ts";
import type { Wake } from "./wake.ts";

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;
/** A wake may get lost with its connection; records wait no longer than this. */
const IDLE_MS = 200;

export interface PartitionParts {
  sql: Sql;
  partition: number;
  reader: LogReader;
  wake: Wake;
  /** Aborted when reading stops or the partition's lock is lost. */
  signal: AbortSignal;
  log: Log;
}

/** Reads one partition until aborted, or until it cannot go on without a person. Never throws. */
export async function readPartition(parts: PartitionParts): Promise<void> {
  const { reader, partition, signal, log } = parts;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const position = await claim(parts);
      await follow(parts, position, () => {
        failures = 0;
      });
    } catch (error) {
      if (error instanceof LogIdentityChanged || error instanceof LogBroken) {
        const missing = error instanceof LogBroken ? error.missing : undefined;
        reader.alarm(partition, error.message, missing);
        return;
      }
      const delayMs = Math.min(RETRY_MS_MIN * 2 ** failures, RETRY_MS_MAX);
      log.warn({ partition, err: error, delayMs }, "usage partition is claimed again");
      await sleep(delayMs, undefined, { signal }).catch(() => {});
      failures += 1;
    }
  }
}

/** Records that must be there are not. */
class LogBroken extends Error {
  override name = "LogBroken";
  readonly missing: MissingRecords | undefined;

  constructor(message: string, missing?: MissingRecords) {
    super(message);
    this.missing = missing;
  }
}

async function claim({ sql, reader, partition }: PartitionParts): Promise<bigint> {
  const { logId } = await logExtent(sql);
  const position = await reader.claim(logId, partition);
  // Asked after the claim: before it, an earlier claimant may still have moved on.
  const extent = await logExtent(sql);
  const bounds = extent.partitions.find((each) => each.partition === partition);
  if (extent.logId !== logId || bounds === undefined)
    throw new LogIdentityChanged("the usage log was made again");
  if (position < bounds.start) {
    throw new LogBroken(`the log begins at ${bounds.start}, after the cursor at ${position}`);
  }
  if (position > bounds.end)
    throw new LogBroken(`the log ends at ${bounds.end}, before the cursor at ${position}`);
  return position;
}

async function follow(parts: PartitionParts, claimed: bigint, onApplied: () => void): Promise<void> {
  const { sql, partition, reader, wake, signal } = parts;
  const gathering = new Gathering();
  let position = claimed;
  while (!signal.aborted) {
    const readAtMs = performance.now();
    const fetched = await fetchBatch(sql, partition, position);
    if (signal.aborted) return;
    if (fetched === null) {
      await wake.wait(IDLE_MS);
      continue;
    }
    const { batch, missing } = fetched;
    if (batch.records.length > 0) await reader.apply(batch);
    onApplied();
    position = batch.nextOffset;
    if (missing !== null) throw new LogBroken(missingText(missing), missing);
    const pauseMs = gathering.pauseMs(valueBytes(batch.records), readAtMs, performance.now());
    if (pauseMs > 0) await sleep(pauseMs, undefined, { signal }).catch(() => {});
  }
}
