import type { MonthEvent } from "../../stories/generated-month.ts";
import type { Fault } from "../harness/describe-faults.ts";
import type { Stage } from "../harness/stage.ts";
import { appendStraight, freshEvents } from "./batches.ts";
import { untilMetered } from "./sent-again.ts";

const at = (event: MonthEvent, time: string): MonthEvent => ({ ...event, time });

/** On both sides of a boundary in time, by a microsecond. */
function aroundBoundary(stage: Stage, name: string, before: string, after: string) {
  const early = freshEvents(stage, `${name}-early`, 10).map((event) => at(event, before));
  const late = freshEvents(stage, `${name}-late`, 10).map((event) => at(event, after));
  const moved = [...early.map((event) => at(event, after)), ...late.map((event) => at(event, before))];
  return { events: [...early, ...late], moved };
}

export const acrossMidnight: Fault = {
  name: "events across midnight sent twice",
  async strike(stage) {
    const { events, moved } = aroundBoundary(
      stage,
      "midnight",
      "2023-11-15T23:59:59.999999Z",
      "2023-11-16T00:00:00.000000Z",
    );
    await stage.producer.deliver(events);
    await stage.producer.deliver(events);
    await untilMetered(stage, events);
    stage.expected.conflict += BigInt(moved.length);
    await appendStraight(
      stage,
      moved.map((event) => [event]),
    );
    await stage.producer.deliver(events);
    return `${events.length} events three times: once billed; with a time on the other side they are conflicts`;
  },
};

const PERIOD = "2023-09";

export const acrossTheMonthsEnd: Fault = {
  name: "events across the month's end sent again after the month was closed",
  async strike(stage) {
    const { events, moved } = aroundBoundary(
      stage,
      "month",
      "2023-09-30T23:59:59.999999Z",
      "2023-10-01T00:00:00.000000Z",
    );
    await stage.producer.deliver(events);
    await untilMetered(stage, events);
    await stage.call("POST", `/settlements/${PERIOD}/close`, {});
    const closed = await statements(stage);
    if (!closed.includes('"earned"')) throw new Error("nobody has a statement of the closed month");
    await stage.producer.deliver(events);
    stage.expected.conflict += BigInt(moved.length);
    await appendStraight(
      stage,
      moved.map((event) => [event]),
    );
    await stage.producer.deliver(events);
    if ((await statements(stage)) !== closed) throw new Error("a statement of a closed month changed");
    return `${events.length} events three times, ${PERIOD} closed after the first: billed once, statements unchanged`;
  },
};

async function statements(stage: Stage): Promise<string> {
  const path = (payee: string) => `/payees/${payee}/statements/${PERIOD}?currency=USD`;
  const found = await Promise.all(
    stage.usage.payees.map((payee) => stage.call("GET", path(payee)).catch((error: Error) => error.message)),
  );
  return JSON.stringify(found);
}
