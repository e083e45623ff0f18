import type { BaseLogger } from "pino";
import type { Sql } from "../../postgres/index.ts";
import type { LogReader, LogReading } from "../../usage/index.ts";
import { PartitionLocks } from "./partition-locks.ts";
import { readPartition } from "./read-partition.ts";
import { Wake } from "./wake.ts";

export type Log = Pick<BaseLogger, "warn">;

const LOCK_RETRY_MS = 1_000;

/**
 * Reads every partition whose lock can be had, and tries for the others each second. The locks only keep readers
 * from hindering each other; what fences is the reader's claim.
 */
export async function readLog(
  sql: Sql,
  partitions: () => Promise<number>,
  reader: LogReader,
  log: Log,
): Promise<LogReading> {
  const wakes: Wake[] = [];
  const wakeAll = (): void => {
    for (const wake of wakes) wake.wake();
  };
  const listening = await sql.listen("usage_log", (partition) => wakes[Number(partition)]?.wake());
  const own = new Map<number, Promise<void>>();
  const stopping = new AbortController();
  let session = new AbortController();
  const locks = new PartitionLocks(sql, () => session.abort());
  const next = new Wake();

  async function takeFreePartitions(): Promise<void> {
    // Another process may be set to more of them, and make and fill those while this one runs.
    for (let missing = (await partitions()) - wakes.length; missing > 0; missing--) wakes.push(new Wake());
    for (const [partition, wake] of wakes.entries()) {
      if (own.has(partition) || stopping.signal.aborted) continue;
      const { signal } = session;
      if (!(await locks.tryLock(partition)) || signal.aborted) continue;
      own.set(partition, readPartition({ sql, partition, reader, wake, signal, log }));
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (session.signal.aborted) {
        wakeAll();
        await Promise.all(own.values());
        own.clear();
        session = new AbortController();
      }
      await takeFreePartitions().catch((err: unknown) =>
        log.warn({ err }, "usage partitions cannot be locked now"),
      );
      if (!stopping.signal.aborted) await next.wait(LOCK_RETRY_MS);
    }
    session.abort();
    wakeAll();
    await Promise.all(own.values());
  }

  async function stop(): Promise<void> {
    stopping.abort();
    next.wake();
    await running;
    await locks.close();
    await listening.unlisten().catch(() => {});
  }

  const running = run();
  let stopped: Promise<void> | undefined;
  return {
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}
