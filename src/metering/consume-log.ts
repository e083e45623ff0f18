import type { Logger } from "pino";
import { present, withinDeadline } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";
import {
  type LogBatch,
  LogIdentityChanged,
  type LogReader,
  type LogReading,
  type UsageLog,
  valueBytes,
} from "../usage/index.ts";
import { type Applied, applyBatch, type PreparedBatch, prepareBatch } from "./apply-batch.ts";
import { CustomerKinds } from "./memory/customer-kinds.ts";
import { ExpectedRepeats } from "./memory/expected-repeats.ts";
import { Portions } from "./memory/portions.ts";
import { noteMissingRecords } from "./position/log-loss.ts";

/** Told what happens to the partitions that this process meters. */
export interface MeteringObserver {
  /** It reads the partition from its cursor on, whatever was before. */
  claimed(partition: number): void;
  applied(
    partition: number,
    batch: { events: number; records: number; bytes: number; seconds: number },
  ): void;
  /** Another worker has the partition now, or its cursor stood elsewhere: nothing was applied. */
  fenced(partition: number): void;
  /** The partition does not go on without a person. */
  alarmed(partition: number, reason: string): void;
}

/**
 * A connection that hangs would hold its partition for ever. What is late may still be applied: the claim that follows
 * waits for it or fences it, and finds the cursor where it stands.
 */
const ANSWER_WITHIN_MS = 30_000;

interface Claim {
  logId: string;
  epoch: string;
  nextOffset: bigint;
}

/**
 * Meters a usage log until stopped. The position of record is the cursor in PostgreSQL; a worker that lost a
 * partition is fenced by the epoch that its successor's claim raised.
 */
export function consumeLog(
  log: UsageLog,
  sql: Sql,
  logger: Logger,
  { observer, horizonDays }: { observer?: MeteringObserver; horizonDays?: number | undefined } = {},
): Promise<LogReading> {
  const options = {
    limited: new Set<string>(),
    expected: new ExpectedRepeats(),
    kinds: new CustomerKinds(),
    horizonDays,
  };
  const claims = new Map<number, Claim>();

  const portions = new Portions();

  /** Batches that wait while the one before them is applied; one that is dropped leaves by itself. */
  const ahead = new WeakMap<LogBatch, Promise<PreparedBatch>>();

  async function claim(logId: string, partition: number): Promise<bigint> {
    claims.delete(partition);
    try {
      const claiming = sql<[{ epoch: string; next_offset: string }]>`
        SELECT epoch, next_offset FROM claim_partition(${logId}, ${partition})`;
      const [row] = await withinDeadline("claiming a partition", ANSWER_WITHIN_MS, claiming);
      claims.set(partition, { logId, epoch: row.epoch, nextOffset: BigInt(row.next_offset) });
      observer?.claimed(partition);
      return BigInt(row.next_offset);
    } catch (error) {
      const refused = refusedByDatabase(error);
      if (refused?.code !== "log_changed") throw error;
      throw new LogIdentityChanged(
        `partition ${partition} was metered from log ${refused.detail.expected}, but this is log ${refused.detail.found}: it was made anew or another one is configured`,
      );
    }
  }

  async function apply(batch: LogBatch): Promise<void> {
    const held = present(claims.get(batch.partition), "a claimed partition");
    const begun = performance.now();
    let events = 0;
    for (let applied = 0; applied < batch.records.length || held.nextOffset < batch.nextOffset; ) {
      const done = await applyPortion(batch, applied, held);
      held.nextOffset = done.nextOffset;
      events += done.events;
      applied += done.records;
    }
    observer?.applied(batch.partition, {
      events,
      ...sizeOf(batch),
      seconds: (performance.now() - begun) / 1000,
    });
  }

  /** Applies some of the batch's records, from the one at `from` on. */
  async function applyPortion(batch: LogBatch, from: number, held: Claim): Promise<Applied> {
    const { partition } = batch;
    const records = batch.records.slice(from, from + portions.of(partition));
    const position = {
      ...held,
      partition,
      to: batch.records[from + records.length]?.offset ?? batch.nextOffset,
    };
    const prepared = records.length === batch.records.length ? ahead.get(batch) : undefined;
    try {
      const applying = applyBatch(sql, position, records, options, prepared);
      const done = await withinDeadline("applying a batch", ANSWER_WITHIN_MS, applying);
      portions.applied(partition);
      return done;
    } catch (error) {
      if (refusedByDatabase(error)?.code === "fenced") observer?.fenced(partition);
      else portions.failed(partition, records.length, error);
      throw error;
    }
  }

  const reader: LogReader = {
    claim,
    prepare(batch) {
      const prepared = prepareBatch(sql, batch.records, options);
      // Whoever applies it is told; nobody is when it is dropped.
      prepared.catch(() => {});
      ahead.set(batch, prepared);
    },
    apply,
    alarm(partition, reason, missing) {
      logger.error({ partition, reason }, "metering of a partition stopped: an operator must decide");
      observer?.alarmed(partition, reason);
      const logId = claims.get(partition)?.logId;
      if (missing === undefined || logId === undefined) return;
      // Noted so that a person may accept it. When this fails, the next start of a worker finds it again.
      noteMissingRecords(sql, logId, partition, missing).catch((err: unknown) =>
        logger.error({ partition, err }, "what is missing from the log could not be noted"),
      );
    },
  };
  return log.read(reader);
}

function sizeOf({ records }: LogBatch): { records: number; bytes: number } {
  return { records: records.length, bytes: valueBytes(records) };
}
