import { now, Refusal } from "../kernel/index.ts";
import { redactText } from "../secrets/index.ts";
import { findLogged } from "./logged/find-logged.ts";
import { type LoggedEvent, loggedEvent } from "./logged-event.ts";
import { type EventRefusal, readUsageEvent, type UsageEvent } from "./usage-event.ts";
import { LogUnavailable, type UsageLog } from "./usage-log.ts";

export const EVENTS_PER_BATCH_MAX = 1000;
/** Well below what a broker takes by default, 1 MiB with its overhead. */
const RECORD_BYTES_SENT_MAX = 900_000;

export interface Acceptance {
  accepted: number;
  rejected: ({ index: number; id: string | null } & EventRefusal)[];
}

/** An event that is about to go into the log, with everything that came with it. */
export interface TakenEvent {
  event: UsageEvent;
  /** The event's `data`, as it was sent. */
  sent: Record<string, unknown>;
}

/**
 * Takes a batch of CloudEvents from a producer: the good ones are in the log, durably, when this answers; the others
 * are named. A duplicate is not an error: metering counts an identity once.
 * @param sources the only sources this producer may name; undefined for any.
 * @param keepBeside told of the events before the log is: what it keeps of them is there when they are acknowledged.
 * @throws Refusal log_unavailable: nothing was accepted, send again.
 */
export async function acceptEvents(
  log: UsageLog,
  batch: readonly unknown[],
  sources?: readonly string[],
  horizonDays?: number,
  keepBeside?: (taken: readonly TakenEvent[]) => Promise<void>,
): Promise<Acceptance> {
  const receivedAt = now();
  const accepted: LoggedEvent[] = [];
  const taken: TakenEvent[] = [];
  const rejected: Acceptance["rejected"] = [];
  for (const [index, json] of batch.entries()) {
    const read = readUsageEvent(json, receivedAt, horizonDays);
    if ("refusal" in read) {
      const { code, message } = read.refusal;
      rejected.push({ index, id: idOf(json), code, message: redactText(message) });
    } else if (sources !== undefined && !sources.includes(read.event.source)) {
      rejected.push({ index, id: read.event.id, code: "source_not_allowed", message: onlyOf(sources) });
    } else {
      accepted.push(loggedEvent(read.wire));
      taken.push({ event: read.event, sent: read.wire.data });
    }
  }
  await keepBeside?.(taken);
  await append(log, accepted);
  return { accepted: accepted.length, rejected };
}

/**
 * Takes a body over byte for byte when everything in it stands there as the log has it, and is good: several times faster, and
 * no different to whoever reads the log. Undefined when it does not: then nothing was taken, and `acceptEvents` decides.
 * @param isBatch whether it should be an array
 * @throws Refusal log_unavailable, as acceptEvents does
 */
export async function acceptLogged(
  log: UsageLog,
  body: Buffer,
  isBatch: boolean,
  sources?: readonly string[],
  horizonDays?: number,
): Promise<Acceptance | undefined> {
  if (body.length > RECORD_BYTES_SENT_MAX) return undefined;
  const found = findLogged(body, isBatch, EVENTS_PER_BATCH_MAX, now(), sources, horizonDays);
  if (found === null) return undefined;
  await appendRecords(log, found.firstId, [body]);
  return { accepted: found.count, rejected: [] };
}

async function append(log: UsageLog, events: readonly LoggedEvent[]): Promise<void> {
  const [first] = events;
  if (first !== undefined) await appendRecords(log, first.id, recordsOf(events));
}

async function appendRecords(log: UsageLog, key: string, values: readonly Buffer[]): Promise<void> {
  try {
    await log.append(values.map((value) => ({ key, value })));
  } catch (error) {
    if (!(error instanceof LogUnavailable)) throw error;
    throw new Refusal(
      "log_unavailable",
      "the usage log cannot take events now; nothing was accepted: send the same events again",
    );
  }
}

/** Written anew, numbers may be longer than they came (1e15): so a batch may take more than one record. */
function recordsOf(events: readonly LoggedEvent[]): Buffer[] {
  const record = Buffer.from(JSON.stringify(events.length === 1 ? events[0] : events));
  if (record.length <= RECORD_BYTES_SENT_MAX || events.length === 1) return [record];
  const middle = events.length >> 1;
  return [...recordsOf(events.slice(0, middle)), ...recordsOf(events.slice(middle))];
}

/** Names a few: the answer may hold this a thousand times. */
function onlyOf(sources: readonly string[]): string {
  const more = sources.length > 3 ? ` and ${sources.length - 3} more` : "";
  return `source: this key may only send events of ${sources.slice(0, 3).join(", ")}${more}`;
}

function idOf(json: unknown): string | null {
  const id = typeof json === "object" && json !== null && "id" in json ? json.id : null;
  return typeof id === "string" ? id.slice(0, 256).toWellFormed() : null;
}
