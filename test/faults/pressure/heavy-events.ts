import type { MonthEvent } from "../../stories/generated-month.ts";

const PADDING = "x".repeat(9_000);
/** Carried in the log, and no meter: its name cannot be in a price. */
const IGNORED = Object.fromEntries(
  Array.from({ length: 58 }, (_, index) => [`Nobody-Can-Price-This-${index}`.padEnd(64, "-"), index]),
);

/** One record of about 900 kB, which nobody needs: outputs of predictions. */
export function paddedRecord(events: readonly MonthEvent[]): Buffer {
  return Buffer.from(
    JSON.stringify(events.map((event) => ({ ...event, data: { ...event.data, output: PADDING } }))),
  );
}
export const EVENTS_PER_PADDED_RECORD = 95;

/** About 4.5 kB as the log keeps it. */
export function heavy(event: MonthEvent): MonthEvent {
  return { ...event, data: { ...event.data, metrics: { ...IGNORED, ...event.data.metrics } } };
}
export const EVENTS_PER_HEAVY_BATCH = 180;
