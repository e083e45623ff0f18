import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { MeteringObserver } from "../../metering/index.ts";
import { createReadMetrics, type ReadFacts } from "./read-metrics.ts";

export interface Metrics {
  /** Told what this very process meters. */
  observer: Pick<MeteringObserver, "applied" | "fenced">;
  /** Everything in Prometheus' text format. What could not be read is left out, not repeated from before. */
  scrape(
    facts: ReadFacts & {
      halted: readonly [partition: number, reason: string][];
      rowSecurity: boolean | undefined;
    },
  ): Promise<{ contentType: string; text: string }>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const { fenced, halted, batchEvents, batchRecords, batchBytes, batchSeconds } = ownMetrics(registry);
  const read = createReadMetrics(registry);
  let rowSecurity: Gauge | undefined;
  return {
    observer: {
      applied(_, { events, records, bytes, seconds }) {
        batchEvents.observe(events);
        batchRecords.observe(records);
        batchBytes.observe(bytes);
        batchSeconds.observe(seconds);
      },
      fenced: (partition) => fenced.inc({ partition }),
    },
    scrape({ halted: now, rowSecurity: on, ...facts }) {
      if (on !== undefined) {
        // Not there at all in a process that nobody reads from: a gauge is 0 from its making on.
        rowSecurity ??= rowSecurityGauge(registry);
        rowSecurity.set(on ? 1 : 0);
      }
      halted.reset();
      for (const [partition] of now) halted.set({ partition }, 1);
      read.show(facts);
      return registry.metrics().then((text) => ({ contentType: registry.contentType, text }));
    },
  };
}

/** What happens in this process alone: the sum over all processes is the whole. */
function ownMetrics(registry: Registry) {
  const registers = [registry];
  return {
    fenced: new Counter({
      name: "tributary_metering_fenced_total",
      help: "Batches that this process may not apply any more: the partition had moved to another worker.",
      labelNames: ["partition"],
      registers,
    }),
    halted: new Gauge({
      name: "tributary_metering_halted",
      help: "1 for each partition at which this process raised the alarm: it waits for a person.",
      labelNames: ["partition"],
      registers,
    }),
    batchEvents: new Histogram({
      name: "tributary_metering_batch_events",
      help: "Events of a batch that this process applied, repeats and dead letters included.",
      buckets: [1, 10, 100, 1_000, 3_000, 10_000, 30_000, 100_000],
      registers,
    }),
    batchRecords: new Histogram({
      name: "tributary_metering_batch_records",
      help: "Log records of a batch that this process applied; a record is one event or one HTTP batch of them.",
      buckets: [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000],
      registers,
    }),
    batchBytes: new Histogram({
      name: "tributary_metering_batch_bytes",
      help: "Bytes of the records of a batch that this process applied.",
      buckets: [1_000, 10_000, 100_000, 300_000, 1_000_000, 2_000_000, 4_194_304],
      registers,
    }),
    batchSeconds: new Histogram({
      name: "tributary_metering_batch_seconds",
      help: "From a batch in hand to its commit, reading it included.",
      buckets: [0.003, 0.01, 0.03, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30],
      registers,
    }),
  };
}

function rowSecurityGauge(registry: Registry): Gauge {
  return new Gauge({
    name: "tributary_row_security",
    help: "1 where row policies bind what payees and customers read, 0 where the queries' own conditions are all there is.",
    registers: [registry],
  });
}
