import { present } from "../../../src/kernel/index.ts";
import type { MonthEvent } from "../../stories/generated-month.ts";
import { until } from "../../support/until.ts";
import { request } from "../harness/api-client.ts";
import { meteringCounters } from "../harness/check.ts";
import type { Fault } from "../harness/describe-faults.ts";
import { Producer } from "../harness/producer.ts";
import type { Stage } from "../harness/stage.ts";
import { AnswerThief } from "./answer-thief.ts";
import { appendStraight, freshEvents, inPieces, shuffled } from "./batches.ts";

export const acknowledgementsLost: Fault = {
  name: "acknowledgements lost after the log took the batch",
  async strike(stage) {
    const thief = new AnswerThief(stage.api.url);
    await thief.start();
    try {
      const producer = new Producer((body, signal) => {
        const contentType = "application/cloudevents-batch+json";
        return request(thief.url, { method: "POST", path: "/events", body, contentType, signal });
      });
      const before = await meteringCounters(stage);
      let repeated = 0;
      for (const batch of inPieces(stage, freshEvents(stage, "unheard", 300), 100)) {
        const times = 1 + Math.floor(stage.usage.random() * 3);
        thief.steal(times);
        await producer.deliver(batch);
        repeated += times * batch.length;
      }
      stage.producer.acknowledged.events.push(...producer.acknowledged.events);
      stage.producer.acknowledged.retries += producer.acknowledged.retries;
      await until(async () => (await meteringCounters(stage)).duplicate - before.duplicate >= repeated);
      return `${thief.stolen} of them, up to three times in a row; the producer sent the same batch again`;
    } finally {
      await thief.stop();
    }
  },
};

const COPIES = 4;

export const batchedAnew: Fault = {
  name: "the same events again in other batches, another order and other partitions, at the same time",
  async strike(stage) {
    const before = await meteringCounters(stage);
    const events = freshEvents(stage, "batched", 250);
    const copies = Array.from({ length: COPIES }, () => inPieces(stage, shuffled(stage, events), 80));
    await Promise.all(
      copies.map(async (batches, copy) => {
        if (copy % 2 === 0) for (const batch of batches) await stage.producer.deliver(batch);
        else
          await appendStraight(
            stage,
            batches.map((batch) => batch.map(writtenOtherwise)),
          );
      }),
    );
    const duplicates = BigInt((COPIES - 1) * events.length);
    await until(async () => (await meteringCounters(stage)).duplicate - before.duplicate >= duplicates);
    const batches = copies.reduce((sum, copy) => sum + copy.length, 0);
    return `${events.length} events ${COPIES} times in ${batches} batches, half of them past the API and written otherwise`;
  },
};

/** The same facts in other words: nobody may take this for a conflict. */
function writtenOtherwise(event: MonthEvent): MonthEvent {
  const { input_token_count, output_token_count, ...others } = event.data.metrics;
  const metrics = {
    completion_tokens: present(output_token_count, "output tokens"),
    prompt_tokens: present(input_token_count, "input tokens"),
    input_token_count: present(input_token_count, "input tokens"),
    ...others,
  };
  const { time, ...rest } = event;
  return { ...rest, time: time.replace("Z", "000+00:00"), data: { ...event.data, metrics } };
}

/** Sees to it that everything sent before is metered, whatever else flows. */
export async function untilMetered(stage: Stage, events: readonly MonthEvent[]): Promise<void> {
  for (const { source, id } of events) {
    const path = `/predictions/${encodeURIComponent(id)}?source=${encodeURIComponent(source)}`;
    await until(() =>
      stage.call("GET", path).then(
        () => true,
        () => false,
      ),
    );
  }
}
