import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import type { Watching } from "../../http/index.ts";
import {
  interruptedProgress,
  type MeteringObserver,
  type Progress,
  positionsOf,
  progressAfter,
} from "../../metering/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { Halts } from "./halts.ts";
import { judgeHealth } from "./judge-health.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { PoolProbe } from "./pool-probe.ts";
import { isTrouble, type Reading, type WatchReader } from "./reading.ts";

const SAMPLE_EVERY_MS = 1_000;
/** Sysexits' EX_SOFTWARE: a supervisor should start the process again. */
const EXIT_STANDSTILL = 70;

export interface ProcessWatching extends Watching {
  observer: MeteringObserver;
  /** Begins to look at the log and the cursors every second. */
  start(): void;
  /** From here on this process is one that meters: standing still is its failure, too. Starts as well. */
  startMetering(): void;
  /** Whether row policies bind what payees and customers read from this process. */
  noteRowSecurity(on: boolean): void;
  close(): Promise<void>;
}

interface WatchParts {
  /** The process's own connections. */
  sql: Sql;
  reader: WatchReader;
  logger: Logger;
  progressLimitSeconds: number;
}

/** What this process and its metering are doing: for `/metrics`, for `/healthz`, and for the watchdog. */
export function watchProcess({ sql, reader, logger, progressLimitSeconds }: WatchParts): ProcessWatching {
  const limitSeconds = progressLimitSeconds;
  const halts = new Halts();
  const probe = new PoolProbe(sql);
  const stopping = new AbortController();
  let metrics: Metrics | undefined;
  let progress: Progress | null = null;
  let meters = false;
  let rowSecurity: boolean | undefined;
  let sampling: Promise<void> | undefined;
  let looking: Promise<Reading> | undefined;

  // As few as can be: every `wire` makes a watching, and most of them are never asked.
  const ownMetrics = (): Metrics => {
    metrics ??= createMetrics();
    return metrics;
  };

  function look(): Promise<Reading> {
    looking ??= lookNow().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  async function lookNow(): Promise<Reading> {
    const askedAtMs = performance.now();
    const reading = await reader.read();
    const { extent, cursors } = reading;
    if (isTrouble(extent) || isTrouble(cursors)) {
      progress = progress && interruptedProgress(progress);
    } else {
      progress = progressAfter(progress, {
        atMs: performance.now(),
        positions: positionsOf(extent, cursors),
      });
      halts.sampled(progress.partitions, askedAtMs);
    }
    return reading;
  }

  async function sample(): Promise<void> {
    while (!stopping.signal.aborted) {
      const { cursors } = await look();
      if (isTrouble(cursors)) probe.excuse(performance.now());
      else exitWhenUnanswered();
      if (meters) exitAtStandstill();
      await pause(SAMPLE_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  /** Connections that hang answer nobody, and every call waits for them, although the database answers others. */
  function exitWhenUnanswered(): void {
    const seconds = probe.waitingMs(performance.now()) / 1000;
    if (seconds <= 2 * limitSeconds || stopping.signal.aborted) return;
    logger.fatal(
      { seconds: Math.round(seconds), limitSeconds },
      "this process's own database connections do not answer, though the database does: it ends to be started again",
    );
    process.exit(EXIT_STANDSTILL);
  }

  /**
   * A consumer can die without a word while its process lives. Not when the database or the log is down, nor when
   * the alarm was raised: then another process would do no better.
   */
  function exitAtStandstill(): void {
    if (progress === null || progress.interrupted || progress.standsSinceMs === null) return;
    const seconds = (performance.now() - progress.standsSinceMs) / 1000;
    if (seconds <= 2 * limitSeconds || halts.list().length > 0 || stopping.signal.aborted) return;
    const waiting = progress.partitions
      .filter(({ standsSinceMs }) => standsSinceMs !== null)
      .map(({ partition, next, end }) => ({ partition, cursor: `${next}`, end: `${end}` }));
    logger.fatal(
      { seconds: Math.round(seconds), limitSeconds, waiting },
      "records wait and no cursor moves, though database and log answer: this process ends to be started again",
    );
    process.exit(EXIT_STANDSTILL);
  }

  const watching: ProcessWatching = {
    observer: {
      claimed: (partition) => halts.lift(partition),
      applied: (partition, batch) => ownMetrics().observer.applied(partition, batch),
      fenced: (partition) => ownMetrics().observer.fenced(partition),
      alarmed: (partition, reason) => halts.raise(partition, reason),
    },
    start() {
      sampling ??= sample();
    },
    startMetering() {
      meters = true;
      watching.start();
    },
    noteRowSecurity(on) {
      rowSecurity = on;
    },
    async health() {
      const reading = await look();
      const facts = { halted: halts.list(), nowMs: performance.now(), limitSeconds };
      return judgeHealth({ reading, progress, meters, rowSecurity, ...facts });
    },
    async metrics() {
      const [reading, waiting] = await Promise.all([look(), reader.waiting()]);
      const facts = { halted: halts.list(), nowMs: performance.now() };
      const current = progress?.interrupted === false ? progress : null;
      return ownMetrics().scrape({ reading, progress: current, waiting, rowSecurity, ...facts });
    },
    async close() {
      stopping.abort();
      await sampling;
      await reader.close();
    },
  };
  return watching;
}
