import { present } from "../../../src/kernel/index.ts";
import type { MonthEvent } from "../../stories/generated-month.ts";
import { until } from "../../support/until.ts";
import { meteringCounters } from "../harness/check.ts";
import type { Fault } from "../harness/describe-faults.ts";
import type { Stage } from "../harness/stage.ts";
import { deadLettersAfter, newestDeadLetter } from "../poison/dead-letters.ts";
import { appendStraight, freshEvents, inPieces, shuffled } from "./batches.ts";
import { untilMetered } from "./sent-again.ts";

/** Each changes what is charged, or to whom. */
const CHANGES: ((event: MonthEvent) => MonthEvent)[] = [
  (event) => ({ ...event, subject: event.subject === "customer-1" ? "customer-2" : "customer-1" }),
  (event) =>
    changed(event, { model: event.data.model === "maker/model-1" ? "maker/model-2" : "maker/model-1" }),
  (event) => changed(event, { version: `${event.data.version}-other` }),
  (event) => changed(event, { status: event.data.status === "succeeded" ? "failed" : "succeeded" }),
  (event) => ({
    ...event,
    time: event.time.replace(/\d\dZ$/, (digits) => `${digits === "00Z" ? "01" : "00"}Z`),
  }),
  (event) => measured(event, { output_token_count: (event.data.metrics.output_token_count ?? 0) + 1 }),
  (event) => measured(event, { image_count: 1 }),
  ({ data, ...event }) => {
    const { input_token_count: _, ...metrics } = data.metrics;
    return { ...event, data: { ...data, metrics } };
  },
];

function changed(event: MonthEvent, data: Partial<MonthEvent["data"]>): MonthEvent {
  return { ...event, data: { ...event.data, ...data } };
}

function measured(event: MonthEvent, metrics: Record<string, number>): MonthEvent {
  return changed(event, { metrics: { ...event.data.metrics, ...metrics } });
}

export const otherContent: Fault = {
  name: "the same identity with other content",
  async strike(stage) {
    const newest = await newestDeadLetter(stage);
    const originals = freshEvents(stage, "reused", 3 * CHANGES.length);
    for (const batch of inPieces(stage, originals, 10)) await stage.producer.deliver(batch);
    await untilMetered(stage, originals);
    const others = originals.map((event, index) =>
      present(CHANGES[index % CHANGES.length], "a change")(event),
    );
    stage.expected.conflict += BigInt(2 * others.length);
    for (const batch of inPieces(stage, others, 10)) await stage.producer.deliver(batch);
    // A retry is never punished for what somebody else did with its identity.
    await stage.producer.deliver(originals);
    await appendStraight(
      stage,
      others.map((other) => [other]),
    );
    await untilConflicts(stage, stage.expected.conflict);
    await quarantined(stage, newest, others);
    return `${others.length} in ${CHANGES.length} ways, twice: quarantined with their bytes, the first counts`;
  },
};

/** Twice each: once as the API wrote it, once with exactly the bytes that were appended past it. */
async function quarantined(stage: Stage, newest: string, others: readonly MonthEvent[]): Promise<void> {
  const letters = await deadLettersAfter(stage, newest);
  const kept = letters.map(({ raw }) => raw.toString());
  for (const other of others) {
    const its = letters.filter(({ raw }) => raw.includes(`"${other.id}"`));
    const ways = its.map(
      ({ reason, raw }) => `${reason} ${JSON.stringify(JSON.parse(raw.toString()).data.metrics)}`,
    );
    const right = `conflict ${JSON.stringify(other.data.metrics)}`;
    if (ways.join() !== [right, right].join() || !kept.includes(JSON.stringify(other)))
      throw new Error(`${other.id} is quarantined as ${ways}, not twice as ${right}`);
  }
  const refused = await stage
    .call("POST", `/dead-letters/${present(letters[0], "a letter").id}/replay`)
    .catch((error: Error) => error.message);
  if (typeof refused !== "string" || !refused.includes("conflict_needs_decision"))
    throw new Error(`a conflict was replayed: ${refused}`);
}

export const raceOfContents: Fault = {
  name: "two contents of one identity race in two partitions",
  async strike(stage) {
    const originals = freshEvents(stage, "raced", 60);
    const others = originals.map((event) => measured(event, { output_token_count: 77_777_777 }));
    const { events } = stage.producer.acknowledged;
    stage.expected.conflict += BigInt(originals.length);
    const inAnyOrder = (all: MonthEvent[]) => inPieces(stage, shuffled(stage, all), 4);
    await Promise.all([originals, others].map((all) => appendStraight(stage, inAnyOrder(all))));
    await untilConflicts(stage, stage.expected.conflict);
    // Which of the two was first is for the log to say; the oracle is told.
    let changed = 0;
    for (const [index, original] of originals.entries()) {
      const other = present(others[index], "the other");
      const otherWon = await isMeteredAs(stage, other);
      if (otherWon) changed += 1;
      // Both may have been acknowledged, in either order.
      const kept = events.filter(({ source, id }) => source !== original.source || id !== original.id);
      events.splice(0, events.length, ...kept, otherWon ? other : original);
    }
    return `${originals.length} identities at the same moment: the other content was first ${changed} times`;
  },
};

async function isMeteredAs(stage: Stage, { id, source, data }: MonthEvent): Promise<boolean> {
  const path = `/predictions/${encodeURIComponent(id)}?source=${encodeURIComponent(source)}`;
  const { usage } = await stage.call<{ usage: { meter: string; quantity: string }[] }>("GET", path);
  const output = usage.find(({ meter }) => meter === "output_tokens");
  return output?.quantity === `${data.metrics.output_token_count}`;
}

async function untilConflicts(stage: Stage, count: bigint): Promise<void> {
  await until(async () => (await meteringCounters(stage)).conflict >= count);
}
