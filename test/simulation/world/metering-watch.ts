import { type CatalogStore, openCatalogStore } from "../../../src/catalog/index.ts";
import { meteringStatus } from "../../../src/metering/index.ts";
import type { Sql } from "../../../src/postgres/index.ts";
import { listSettlements } from "../../../src/settlement/index.ts";
import type { LogBatch } from "../../../src/usage/index.ts";
import type { OracleCatalog } from "../../oracle/shapes.ts";
import type { Trace } from "../trace.ts";
import type { FetchedBatch, Witness } from "./consumer-group.ts";
import type { ExpectedMetering } from "./expected-metering.ts";
import type { SimulatedLog } from "./simulated-log.ts";

/** The product did what it must not do. */
export class LawBroken extends Error {
  override name = "LawBroken";
}

interface Parts {
  /** The database itself: what is seen through it is no step of the history. */
  sql: Sql;
  log: SimulatedLog;
  expected: ExpectedMetering;
  trace: Trace;
}

/**
 * Looks at the books after each statement that may have changed them, and lets the model follow: so the model knows
 * what happened although nobody in the simulation can be sure of it, and a wrong move is found at once.
 */
export class MeteringWatch implements Witness {
  readonly #parts: Parts;
  readonly #cursors: bigint[];
  readonly #claims: (object | undefined)[] = [];
  readonly #catalog: CatalogStore;
  #catalogVersion: bigint;

  /** @param catalogVersion of the catalogue that the model begins with */
  constructor(parts: Parts, catalogVersion: bigint) {
    this.#parts = parts;
    this.#catalogVersion = catalogVersion;
    this.#cursors = parts.log.partitions.map(() => 0n);
    this.#catalog = openCatalogStore(parts.sql);
  }

  claimed(partition: number, by: object): void {
    this.#claims[partition] = by;
  }

  async lookAtApply(by: object, batch: FetchedBatch): Promise<void> {
    const { log, expected } = this.#parts;
    const { partition, from, nextOffset } = batch;
    const status = await this.#status();
    const moved = this.lag - BigInt(status.lag);
    if (moved === 0n) return;
    if (this.#claims[partition] !== by)
      throw new LawBroken(`a worker without the claim moved partition ${partition}`);
    // A batch that failed is applied in parts, and the last of them may not be reached.
    if (moved < 0n || moved > nextOffset - from || this.#cursors[partition] !== from) {
      throw new LawBroken(
        `a batch of ${from}–${nextOffset} moved the cursor of ${partition} from ${this.#cursors[partition]} by ${moved}`,
      );
    }
    this.#cursors[partition] = from + moved;
    expected.applied(partition, log.recordsBetween(partition, from, from + moved));
    this.#compare(status);
  }

  toldApplied({ partition, nextOffset }: LogBatch): void {
    if ((this.#cursors[partition] ?? 0n) < nextOffset)
      throw new LawBroken(
        `a batch up to ${nextOffset} of partition ${partition} is said to be applied, but is not`,
      );
  }

  async lookAtRelease(): Promise<void> {
    const { expected, trace } = this.#parts;
    const status = await this.#status();
    if (status.waiting === String(expected.waiting.length)) return;
    if (expected.released() > 0) trace.saw("parked events were released");
    this.#compare(status);
  }

  async lookAtCatalog(document: OracleCatalog): Promise<boolean> {
    const { version } = await this.#catalog.current();
    if (version === this.#catalogVersion) return false;
    this.#catalogVersion = version;
    this.#parts.expected.catalog = merged(this.#parts.expected.catalog, document);
    return true;
  }

  /** A month counts as closed from its cut on, and so does all before it. */
  async lookAtCut(period: string): Promise<void> {
    if (this.#parts.expected.closed.has(period)) return;
    const [latest] = await listSettlements(this.#parts.sql, 1);
    if (latest === undefined || this.#parts.expected.closed.has(latest.period)) return;
    this.#parts.trace.note(`${latest.period} is cut`);
    const year = latest.period.slice(0, 4);
    const months = Array.from({ length: 12 }, (_, index) => `${year}-${String(index + 1).padStart(2, "0")}`);
    this.#parts.expected.closed = new Set(months.filter((month) => month <= latest.period));
  }

  /** Offsets that are in the log and not metered. */
  get lag(): bigint {
    return this.#parts.log.partitions.reduce(
      (sum, { end }, partition) => sum + end - (this.#cursors[partition] ?? 0n),
      0n,
    );
  }

  async compare(): Promise<void> {
    this.#compare(await this.#status());
  }

  #status() {
    return meteringStatus(this.#parts.sql, this.#parts.log.portWith(noReading));
  }

  #compare(status: Awaited<ReturnType<typeof meteringStatus>>): void {
    const { counts, waiting } = this.#parts.expected;
    const expected = { lag: Number(this.lag), ...counts, waiting: waiting.length };
    for (const [name, count] of Object.entries(expected)) {
      const found = status[name as keyof typeof expected];
      if (Number(found) !== count)
        throw new LawBroken(`metering says ${found} ${name}, expected ${count}: ${JSON.stringify(expected)}`);
    }
  }
}

function noReading(): Promise<never> {
  return Promise.reject(new Error("this log is only looked at"));
}

function merged(before: OracleCatalog, added: OracleCatalog): OracleCatalog {
  const join = <T>(a: readonly T[] = [], b: readonly T[] = []): T[] => {
    const known = new Set(a.map((row) => JSON.stringify(row)));
    return [...a, ...b.filter((row) => !known.has(JSON.stringify(row)))];
  };
  return {
    models: join(before.models, added.models),
    customers: join(before.customers, added.customers),
    policies: join(before.policies, added.policies),
    prices: join(before.prices, added.prices),
  };
}
