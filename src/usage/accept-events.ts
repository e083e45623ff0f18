import { now, Refusal } from "../kernel/index.ts";
import { type CloudEvent, type EventRefusal, readUsageEvent } from "./usage-event.ts";
import { LogUnavailable, type UsageLog } from "./usage-log.ts";

export const EVENTS_PER_BATCH_MAX = 1000;
/** Well below what a broker takes by default, 1 MiB with its overhead. */
const RECORD_BYTES_SENT_MAX = 900_000;

export interface Acceptance {
  accepted: number;
  rejected: ({ index: number; id: string | null } & EventRefusal)[];
}

/**
 * Takes a batch of CloudEvents from a producer: the good ones are in the log, durably, when this answers; the others
 * are named. A duplicate is not an error: metering counts an identity once.
 * @param sources the only sources this producer may name; undefined for any.
 * @throws Refusal log_unavailable: nothing was accepted, send again.
 */
export async function acceptEvents(
  log: UsageLog,
  batch: readonly unknown[],
  sources?: readonly string[],
): Promise<Acceptance> {
  const receivedAt = now();
  const accepted: string[] = [];
  const rejected: Acceptance["rejected"] = [];
  let firstId = "";
  for (const [index, json] of batch.entries()) {
    const read = readUsageEvent(json, receivedAt);
    if ("refusal" in read) {
      rejected.push({ index, id: idOf(json), ...read.refusal });
    } else if (sources !== undefined && !sources.includes(read.event.source)) {
      const message = `source: this key may only send events of ${sources.join(", ")}`;
      rejected.push({ index, id: read.event.id, code: "source_not_allowed", message });
    } else {
      firstId ||= read.event.id;
      accepted.push(JSON.stringify(logged(read.wire)));
    }
  }
  if (accepted.length > 0) await append(log, firstId, accepted);
  return { accepted: accepted.length, rejected };
}

/** What goes into the log: the facts that are metered. Inputs, outputs and logs of predictions are not kept yet. */
function logged({ data, ...event }: CloudEvent): unknown {
  const { model, version, status, parent } = data;
  // Only what can be a quantity: text, and whatever is nested inside, would be carried for nothing.
  const metrics = Object.fromEntries(
    Object.entries(data.metrics ?? {}).filter(
      ([name, value]) => typeof value === "number" && name.length <= 64,
    ),
  );
  const { specversion, id, source, type, time, subject } = event;
  return { specversion, id, source, type, time, subject, data: { model, version, status, metrics, parent } };
}

/** Written anew, numbers may be longer than they came (1e15): so a batch may take more than one record. */
async function append(log: UsageLog, key: string, events: readonly string[]): Promise<void> {
  try {
    await log.append(recordsOf(events).map((record) => ({ key, value: Buffer.from(record) })));
  } catch (error) {
    if (!(error instanceof LogUnavailable)) throw error;
    throw new Refusal(
      "log_unavailable",
      "the usage log cannot take events now; nothing was accepted: send the same events again",
    );
  }
}

function recordsOf(events: readonly string[]): string[] {
  const records: string[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const event of events) {
    const size = Buffer.byteLength(event) + 1;
    if (bytes + size > RECORD_BYTES_SENT_MAX) {
      records.push([]);
      bytes = 0;
    }
    records.at(-1)?.push(event);
    bytes += size;
  }
  return records.map((record) => (record.length === 1 ? (record[0] ?? "") : `[${record.join(",")}]`));
}

function idOf(json: unknown): string | null {
  const id = typeof json === "object" && json !== null && "id" in json ? json.id : null;
  return typeof id === "string" ? id.slice(0, 256).toWellFormed() : null;
}
