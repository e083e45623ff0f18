import { Counter, Gauge, type Registry } from "prom-client";
import { lagOf, type MeteringCursor, oldestUnmeteredMs, type Progress } from "../../metering/index.ts";
import { isTrouble, type Reading, type Trouble } from "./reading.ts";

export interface ReadFacts {
  reading: Reading;
  /** Null when the database or the log did not answer just now. */
  progress: Progress | null;
  waiting: bigint | Trouble;
  nowMs: number;
}

const OUTCOMES = ["applied", "duplicate", "conflict", "dead", "parked"] as const;

/** What the database and the log say at each scrape: the same in every process, so never to be summed over them. */
export function createReadMetrics(registry: Registry): { show(facts: ReadFacts): void } {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name: `tributary_${name}`, help, registers });
  const byPartition = (name: string, help: string) =>
    new Gauge({ name: `tributary_${name}`, help, labelNames: ["partition"], registers });

  const databaseUp = gauge("database_up", "1 when PostgreSQL answered this scrape.");
  const logUp = gauge("usage_log_up", "1 when the usage log answered this scrape.");
  const lag = byPartition("metering_lag_records", "Records of the log behind which metering is.");
  const oldest = byPartition(
    "metering_oldest_unmetered_seconds",
    "How long the oldest unmetered record has been seen by this process; 0 when all is metered.",
  );
  const standstill = gauge(
    "metering_standstill_seconds",
    "How long records have been waiting while no cursor moved; 0 when one moves or nothing waits.",
  );
  const waiting = gauge("metering_parked_waiting", "Parked events that still wait to be metered.");
  const consumed = new Counter({
    name: "tributary_metering_consumed_events_total",
    help: "Events read from the log since the installation began: the sum of all outcomes.",
    labelNames: ["partition"],
    registers,
  });
  const events = new Counter({
    name: "tributary_metering_events_total",
    help: "Events by what became of them when they were read; parked ones are counted here once, for good.",
    labelNames: ["partition", "outcome"],
    registers,
  });

  function showCursors(cursors: readonly MeteringCursor[]): void {
    for (const { partition, counters } of cursors) {
      consumed.inc({ partition }, Number(counters.consumed));
      for (const outcome of OUTCOMES) events.inc({ partition, outcome }, Number(counters[outcome]));
    }
  }

  function showProgress({ partitions, standsSinceMs }: Progress, nowMs: number): void {
    for (const each of partitions) {
      lag.set({ partition: each.partition }, Number(lagOf(each)));
      oldest.set({ partition: each.partition }, oldestUnmeteredMs(each, nowMs) / 1000);
    }
    standstill.set(standsSinceMs === null ? 0 : (nowMs - standsSinceMs) / 1000);
  }

  return {
    show(facts) {
      for (const metric of [lag, oldest, consumed, events]) metric.reset();
      // reset() would show a gauge without labels as 0.
      for (const metric of [waiting, standstill]) metric.remove();
      databaseUp.set(isTrouble(facts.reading.cursors) ? 0 : 1);
      logUp.set(isTrouble(facts.reading.extent) ? 0 : 1);
      if (!isTrouble(facts.reading.cursors)) showCursors(facts.reading.cursors);
      if (facts.progress !== null) showProgress(facts.progress, facts.nowMs);
      if (!isTrouble(facts.waiting)) waiting.set(Number(facts.waiting));
    },
  };
}
