import {
  type LogAppend,
  type LogBatch,
  type LogExtent,
  LogUnavailable,
  type UsageLog,
} from "../../../src/usage/index.ts";
import type { Random } from "../random.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Trace } from "../trace.ts";
import type { Clock } from "./clock.ts";
import type { SimulatedRecord } from "./expected-metering.ts";
import type { UsageItem } from "./usage-items.ts";

export const LOG_ID = "simulated-log";

/** Records of one partition; its end lies beyond control records, too. */
interface Partition {
  records: SimulatedRecord[];
  end: bigint;
}

interface Parts {
  scheduler: Scheduler;
  random: Random;
  trace: Trace;
  clock: Clock;
}

/**
 * A usage log that keeps what it acknowledged, and promises nothing else: an append may fail whole, in part, or only
 * in its answer, be doubled, or arrive long after its producer gave it up.
 */
export class SimulatedLog {
  readonly #parts: Parts;
  readonly partitions: Partition[];
  /** What a record's bytes mean, by its bytes: also for those that come back from the dead letters. */
  readonly #meaning = new Map<string, readonly UsageItem[]>();
  readonly #onTheWay: LogAppend[] = [];

  constructor(parts: Parts, partitions: number) {
    this.#parts = parts;
    this.partitions = Array.from({ length: partitions }, () => ({ records: [], end: 0n }));
  }

  /** The port, as producers see it; metering reads through a consumer group. */
  portWith(read: UsageLog["read"]): UsageLog {
    return {
      append: (values) => this.#append(values),
      extent: async () => this.extent(),
      read,
      close: async () => {},
    };
  }

  extent(): LogExtent {
    const partitions = this.partitions.map(({ end }, partition) => ({ partition, start: 0n, end }));
    return { logId: LOG_ID, partitions };
  }

  /** One record of these items. */
  recordOf(items: readonly UsageItem[]): LogAppend {
    for (const item of items) this.#meaning.set(item.bytes.toString("base64"), [item]);
    const [first] = items;
    const value =
      items.length === 1 && first !== undefined
        ? first.bytes
        : Buffer.from(`[${items.map(({ bytes }) => bytes.toString()).join(", ")}]`);
    this.#meaning.set(value.toString("base64"), items);
    return { key: "any", value };
  }

  /** At most so many records from an offset on; undefined when there is nothing yet. */
  batchFrom(partition: number, from: bigint, recordsMax: number): LogBatch | undefined {
    const { records, end } = this.#partition(partition);
    if (from >= end) return undefined;
    const batch = records.filter(({ offset }) => offset >= from).slice(0, recordsMax);
    const last = batch.at(-1);
    const isLast = last === undefined || last === records.at(-1);
    return { partition, records: batch, nextOffset: isLast ? end : last.offset + 1n };
  }

  recordsBetween(partition: number, from: bigint, to: bigint): SimulatedRecord[] {
    return this.#partition(partition).records.filter(({ offset }) => offset >= from && offset < to);
  }

  get somethingIsOnTheWay(): boolean {
    return this.#onTheWay.length > 0;
  }

  /** An append that its producer believes lost comes in now. */
  deliverLate(): void {
    const late = this.#onTheWay.shift();
    if (late !== undefined) this.#take([late]);
    this.#parts.trace.note("a late append arrives");
  }

  #append(values: readonly LogAppend[]): Promise<void> {
    const { scheduler, random, trace } = this.#parts;
    return scheduler.step(`appends ${values.length} records`, () => {
      const luck = scheduler.chaos ? random.below(100) : 100;
      if (luck < 6) throw new LogUnavailable("not appended");
      if (luck < 11) {
        trace.saw("an append was taken in part");
        this.#take(values.slice(0, random.below(values.length + 1)));
        throw new LogUnavailable("appended in part");
      }
      if (luck < 15) {
        trace.saw("an append arrived late");
        this.#onTheWay.push(...values);
        throw new LogUnavailable("timed out");
      }
      this.#take(values);
      if (luck < 20) {
        trace.saw("the acknowledgement of an append was lost");
        throw new LogUnavailable("acknowledgement lost");
      }
      if (luck < 24) {
        trace.saw("an append was doubled");
        this.#take(values);
      }
    });
  }

  #take(values: readonly LogAppend[]): void {
    const { random, clock, trace } = this.#parts;
    for (const { value } of values) {
      const at = random.below(this.partitions.length);
      const partition = this.#partition(at);
      const items = this.#meaning.get(value.toString("base64"));
      if (items === undefined) throw new Error("a record that nobody made came into the log");
      partition.records.push({ offset: partition.end, value, appendedAt: clock.now, items });
      trace.note(`log: ${at}/${partition.end} holds ${items.length} items`);
      partition.end += 1n;
      // Offsets that hold no record, as Kafka's transactions leave them.
      if (random.chance(0.05)) partition.end += 1n;
    }
  }

  #partition(number: number): Partition {
    const partition = this.partitions[number];
    if (partition === undefined) throw new Error(`no partition ${number}`);
    return partition;
  }
}
