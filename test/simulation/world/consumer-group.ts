import { refusedByDatabase } from "../../../src/postgres/index.ts";
import type { LogBatch, LogReader, LogReading } from "../../../src/usage/index.ts";
import type { Random } from "../random.ts";
import type { Process, Scheduler } from "../scheduler.ts";
import { ConnectionLost } from "../simulated-sql.ts";
import type { Trace } from "../trace.ts";
import { LOG_ID, type SimulatedLog } from "./simulated-log.ts";

const RECORDS_PER_BATCH_MAX = 6;

/** A batch, and the offset it was asked for. */
export type FetchedBatch = LogBatch & { from: bigint };

/** Sees each claim and each apply of the group just after the database did. */
export interface Witness {
  claimed(partition: number, by: object): void;
  /** Looks whether this batch has been applied. */
  lookAtApply(by: object, batch: FetchedBatch): Promise<void>;
  /** The worker was told that the batch is applied. */
  toldApplied(batch: LogBatch): void;
}

interface Member {
  process: Process;
  reader: LogReader;
  /** Partitions that it believes its own. What others believe it does not know. */
  believes: Set<number>;
  reading: Set<number>;
}

interface Parts {
  log: SimulatedLog;
  scheduler: Scheduler;
  random: Random;
  trace: Trace;
  witness: Witness;
}

/**
 * Shares the partitions between workers as a broker would, and as unreliably: a partition moves at any moment, and its
 * former owner goes on until the news reaches it. Only the port's own promise is kept: one batch at a time a partition
 * in each reader.
 */
export class ConsumerGroup {
  readonly #parts: Parts;
  readonly #members = new Set<Member>();
  readonly #owners = new Map<number, Member>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async read(reader: LogReader): Promise<LogReading> {
    const { process } = this.#parts.scheduler.caller;
    const member: Member = { process, reader, believes: new Set(), reading: new Set() };
    this.#members.add(member);
    process.atDeath.push(() => {
      this.#members.delete(member);
    });
    return { stop: async () => {} };
  }

  get size(): number {
    return this.#members.size;
  }

  /** Some partition goes to some member; whoever had it is not told yet. */
  move(): void {
    this.#assign(this.#parts.random.below(this.#parts.log.partitions.length));
  }

  /** Each partition has an owner that lives. */
  assignAll(): void {
    for (const partition of this.#parts.log.partitions.keys()) {
      const owner = this.#owners.get(partition);
      if (owner === undefined || !this.#members.has(owner)) this.#assign(partition);
    }
  }

  /** The news that a partition is another's now reaches a former owner; or all news reaches everybody. */
  tell(everybody = false): void {
    for (const member of this.#members) {
      for (const partition of member.believes) {
        if (this.#owners.get(partition) === member) continue;
        this.#parts.trace.note(`${member.process.name} hears that partition ${partition} is another's`);
        member.believes.delete(partition);
        if (!everybody) return;
      }
    }
  }

  #assign(partition: number): void {
    const { random, scheduler, trace } = this.#parts;
    const members = [...this.#members];
    if (members.length === 0) return;
    const member = random.pick(members);
    const former = this.#owners.get(partition);
    if (former !== undefined && former !== member && former.process.alive)
      trace.saw("a partition moved away from a worker that lives");
    this.#owners.set(partition, member);
    member.believes.add(partition);
    trace.note(`partition ${partition} is given to ${member.process.name}`);
    if (member.reading.has(partition)) return;
    member.reading.add(partition);
    scheduler
      .as(member.process, () => this.#follow(member, partition))
      .catch((error: unknown) => scheduler.fail(error));
  }

  async #follow(member: Member, partition: number): Promise<void> {
    while (member.believes.has(partition)) {
      try {
        const claim = {};
        await this.#consume(member, partition, claim, await this.#claim(member, partition, claim));
      } catch (error) {
        this.#tolerate(error);
        await this.#parts.scheduler.step(`partition ${partition}: is about to claim again`, () => {});
      }
    }
    member.reading.delete(partition);
  }

  #claim(member: Member, partition: number, claim: object): Promise<bigint> {
    const { scheduler, witness } = this.#parts;
    return scheduler.doing(
      `partition ${partition}`,
      () => member.reader.claim(LOG_ID, partition),
      async () => witness.claimed(partition, claim),
    );
  }

  async #consume(member: Member, partition: number, claim: object, from: bigint): Promise<void> {
    const { scheduler, log, random, trace, witness } = this.#parts;
    const some = (position: bigint) =>
      log.batchFrom(partition, position, 1 + random.below(RECORDS_PER_BATCH_MAX));
    let ahead: LogBatch | undefined;
    for (let position = from; member.believes.has(partition); ) {
      const isMoved = () => !member.believes.has(partition);
      const fetched =
        ahead ??
        (await scheduler.step(
          `partition ${partition}: fetches from ${position}`,
          () => some(position),
          () => isMoved() || log.batchFrom(partition, position, 1) !== undefined,
        ));
      if (fetched === undefined) continue;
      // Fetched while this one is applied; dropped with everything else when that fails.
      ahead = random.chance(0.5) ? some(fetched.nextOffset) : undefined;
      if (ahead !== undefined) {
        member.reader.prepare?.(ahead);
        trace.saw("a batch was prepared while the one before it was applied");
      }
      await scheduler.doing(
        `partition ${partition} ${position}–${fetched.nextOffset}`,
        () => member.reader.apply(fetched),
        () => witness.lookAtApply(claim, { ...fetched, from: position }),
      );
      witness.toldApplied(fetched);
      position = fetched.nextOffset;
    }
  }

  #tolerate(error: unknown): void {
    const code = refusedByDatabase(error)?.code;
    if (code === "fenced") this.#parts.trace.saw("a worker was fenced");
    else if (!(error instanceof ConnectionLost)) throw error;
  }
}
