import { microsOf } from "../../oracle/in-force.ts";
import { computeOracle, type OracleCatalog, type OracleEvent } from "../../oracle/index.ts";
import { measure } from "../../oracle/quantities.ts";
import type { UsageItem } from "./usage-items.ts";

/** A record as the simulated log holds it, with what its producer meant. */
export interface SimulatedRecord {
  offset: bigint;
  value: Buffer;
  appendedAt: Date;
  items: readonly UsageItem[];
}

export interface ExpectedDeadLetter {
  partition: number;
  offset: string;
  index: number;
  reason: string;
  rawBase64: string;
}

/** An event that counts, with the months that were closed when it was booked. */
interface Booked {
  event: OracleEvent;
  closed: ReadonlySet<string>;
}

const AHEAD_MAX_MICROS = 600_000_000n;

/**
 * What metering must have done, told by design.md alone: the first of an identity counts, what cannot be resolved
 * waits, and the books period is that of the moment of booking.
 */
export class ExpectedMetering {
  readonly counts = { consumed: 0, applied: 0, duplicate: 0, conflict: 0, dead: 0, parked: 0 };
  readonly dead: ExpectedDeadLetter[] = [];
  readonly booked: Booked[] = [];
  waiting: OracleEvent[] = [];
  catalog: OracleCatalog;
  closed: ReadonlySet<string> = new Set();
  readonly #contents = new Map<string, string>();

  constructor(catalog: OracleCatalog) {
    this.catalog = catalog;
  }

  applied(partition: number, records: readonly SimulatedRecord[]): void {
    for (const record of records) {
      for (const [index, item] of record.items.entries()) {
        this.counts.consumed++;
        const reason = this.#reasonToBury(record, item);
        if (reason === undefined) continue;
        this.counts[reason === "conflict" ? "conflict" : "dead"]++;
        const [offset, rawBase64] = [record.offset.toString(), item.bytes.toString("base64")];
        this.dead.push({ partition, offset, index, reason, rawBase64 });
      }
    }
  }

  /** Books what waited and can be resolved by now; answers how many. */
  released(): number {
    const ready = this.waiting.filter((event) => this.#resolvable(event));
    this.waiting = this.waiting.filter((event) => !ready.includes(event));
    this.booked.push(...ready.map((event) => ({ event, closed: this.closed })));
    return ready.length;
  }

  get earnings() {
    const events = this.booked.map(({ event }) => event);
    const none = new Set<string>();
    return computeOracle(this.catalog, events, { closed: (index) => this.booked[index]?.closed ?? none });
  }

  #reasonToBury(record: SimulatedRecord, { event, reason }: UsageItem): string | undefined {
    if (event === undefined) return reason;
    const ahead = microsOf(event.time) - BigInt(record.appendedAt.getTime()) * 1000n;
    if (ahead > AHEAD_MAX_MICROS) return "time_in_future";
    const identity = JSON.stringify([event.source, event.id]);
    const content = billedContent(event);
    const known = this.#contents.get(identity);
    if (known !== undefined && known !== content) return "conflict";
    if (known !== undefined) {
      this.counts.duplicate++;
      return undefined;
    }
    this.#contents.set(identity, content);
    if (this.#resolvable(event)) {
      this.counts.applied++;
      this.booked.push({ event, closed: this.closed });
    } else {
      this.counts.parked++;
      this.waiting.push(event);
    }
    return undefined;
  }

  #resolvable(event: OracleEvent): boolean {
    return computeOracle(this.catalog, [event]).counts.waiting === 0;
  }
}

function billedContent({ time, subject, data }: OracleEvent): string {
  const quantities = [...(measure(data.metrics ?? {}) ?? [])].sort();
  return JSON.stringify([
    microsOf(time).toString(),
    subject,
    data.model,
    data.version ?? "",
    data.status,
    quantities.map(([meter, quantity]) => [meter, quantity.toString()]),
  ]);
}
