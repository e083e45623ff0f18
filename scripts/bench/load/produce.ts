import { openKafkaUsageLog } from "../../../src/adapters/kafka/kafka-usage-log.ts";
import { createLogger } from "../../../src/processes/logger.ts";
import type { UsageLog } from "../../../src/usage/index.ts";
import { type Span, type UsageTotals, usageGenerator } from "./events.ts";

const EVENTS_PER_RECORD = 500;
/** So many appends wait at once: the producer always has something to send. */
const APPENDS_AT_ONCE = 16;

/** The topic, made as the service makes it. */
export function openBenchLog(brokers: string, partitions: number): Promise<UsageLog> {
  return openKafkaUsageLog({ brokers: brokers.split(","), partitions, log: createLogger("error") });
}

/** Fills the log with seeded events, one record for each HTTP batch of 500, as the door writes them. */
export async function produceUsage(
  log: UsageLog,
  seed: number,
  events: number,
  span?: Span,
): Promise<UsageTotals> {
  const usage = usageGenerator(seed, events, span);
  async function appendUntilDone(): Promise<void> {
    for (let left = events - usage.totals.events; left > 0; left = events - usage.totals.events) {
      const { key, json } = usage.batch(Math.min(EVENTS_PER_RECORD, left));
      await log.append([{ key, value: Buffer.from(json) }]);
    }
  }
  await Promise.all(Array.from({ length: APPENDS_AT_ONCE }, appendUntilDone));
  return usage.totals;
}
