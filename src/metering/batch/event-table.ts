import { isBuiltInMeter } from "../../pricing/index.ts";
import { billedContent, eventIdentity, type UsageEvent } from "../../usage/index.ts";
import { Dictionary } from "./dictionary.ts";

/** The built-in meters that have a column; runs counts the events themselves. */
export const COLUMN_METERS = ["predict_seconds", "input_tokens", "output_tokens", "images"] as const;

/** In a column of quantities: the event has none on this meter. */
export const UNMETERED = -1;

/** What an event has on a meter without a column. */
export interface OtherQuantity {
  meter: string;
  /** Exact: at most 10^15. */
  quantity: number;
}

/**
 * Readable events of a batch, a row each, by columns: a batch has tens of thousands of events, and an object for each would
 * outlive the young generation, which costs more than everything that is done with it.
 */
export class EventTable {
  readonly sourceNames = new Dictionary();
  readonly customerNames = new Dictionary();
  readonly subjects = new Subjects();
  readonly source: number[] = [];
  readonly customer: number[] = [];
  readonly subject: number[] = [];
  /** Microseconds since 1970: exact below 2^53. */
  readonly occurredAt: number[] = [];
  readonly id: string[] = [];
  readonly parent: (string | null)[] = [];
  /** For each of COLUMN_METERS, by row. */
  readonly quantities: readonly number[][] = COLUMN_METERS.map(() => []);
  /** By row; few events have any. */
  readonly others = new Map<number, OtherQuantity[]>();
  /** 32 hexadecimal digits, which PostgreSQL reads as a uuid. */
  readonly identity: string[] = [];
  /** Signed 64 bits. */
  readonly content: bigint[] = [];
  /** Which of the batch's records the event is of, and its place there. */
  readonly record: number[] = [];
  readonly index: number[] = [];

  get size(): number {
    return this.id.length;
  }

  /** Answers its row. */
  add(event: UsageEvent, record: number, index: number): number {
    const row = this.id.push(event.id) - 1;
    this.source.push(this.sourceNames.numberOf(event.source));
    this.customer.push(this.customerNames.numberOf(event.customer));
    this.subject.push(this.subjects.numberOf(event));
    this.occurredAt.push(Number(event.occurredAt));
    this.parent.push(event.parent);
    this.#addQuantities(row, event.quantities);
    this.identity.push(eventIdentity(event.source, event.id));
    this.content.push(billedContent(event));
    this.record.push(record);
    this.index.push(index);
    return row;
  }

  #addQuantities(row: number, quantities: Map<string, bigint>): void {
    let builtIn = 1;
    for (let meter = 0; meter < COLUMN_METERS.length; meter++) {
      const quantity = quantities.get(COLUMN_METERS[meter] ?? "");
      if (quantity !== undefined) builtIn++;
      this.quantities[meter]?.push(quantity === undefined ? UNMETERED : Number(quantity));
    }
    if (quantities.size === builtIn) return;
    const others = [...quantities].filter(([meter]) => !isBuiltInMeter(meter));
    this.others.set(
      row,
      others.map(([meter, quantity]) => ({ meter, quantity: Number(quantity) })),
    );
  }
}

/** Numbers what is decided together: model, version and status. */
class Subjects {
  /** By the subject's number. */
  readonly model: string[] = [];
  readonly version: string[] = [];
  readonly status: string[] = [];
  readonly #versions = new Dictionary();
  readonly #statuses = new Dictionary();
  readonly #ofModel = new Map<string, Map<number, number>>();

  numberOf({ model, version, status }: Pick<UsageEvent, "model" | "version" | "status">): number {
    const ofModel = this.#ofModel.get(model) ?? new Map<number, number>();
    if (ofModel.size === 0) this.#ofModel.set(model, ofModel);
    const key = this.#versions.numberOf(version) * 8 + this.#statuses.numberOf(status);
    const known = ofModel.get(key);
    if (known !== undefined) return known;
    ofModel.set(key, this.model.length);
    this.version.push(version);
    this.status.push(status);
    return this.model.push(model) - 1;
  }
}
