import type { MonthEvent } from "../../stories/generated-month.ts";
import type { Stage } from "../harness/stage.ts";

/** Events that nobody sent before, each of an identity of its own. */
export function freshEvents(stage: Stage, name: string, count: number): MonthEvent[] {
  return stage.usage.take(count).map((event, index) => ({ ...event, id: `${name}-${index}` }));
}

/** Batches of 1 to `sizeMax` events. */
export function inPieces<T>(stage: Stage, events: readonly T[], sizeMax: number): T[][] {
  const pieces: T[][] = [];
  for (let from = 0; from < events.length; from += pieces.at(-1)?.length ?? 0)
    pieces.push(events.slice(from, from + 1 + Math.floor(stage.usage.random() * sizeMax)));
  return pieces;
}

export function shuffled<T>(stage: Stage, items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, place: stage.usage.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** Each batch as one record, past the API, in any partition. */
export async function appendStraight(
  stage: Stage,
  batches: readonly (readonly MonthEvent[])[],
): Promise<void> {
  const log = await stage.openLog();
  try {
    for (const batch of batches) {
      const json = batch.length === 1 ? batch[0] : batch;
      await log.append([{ key: `${stage.usage.random()}`, value: Buffer.from(JSON.stringify(json)) }]);
      stage.producer.acknowledged.events.push(...batch);
    }
  } finally {
    await log.close();
  }
}
