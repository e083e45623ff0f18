import type { UsageEvent } from "../usage/index.ts";

/** Built-in meters have a column of their own; each event counts 1 on runs without one. */
const BUILT_IN = ["predict_seconds", "input_tokens", "output_tokens", "images"] as const;

/**
 * Readable events as the database takes them (type usage_columns of drizzle/0003_metering.sql): one array a field,
 * names that repeat said once, written as the texts of PostgreSQL arrays while the events are read. The n-th event is
 * at place n, from 1.
 */
export class EventColumns {
  readonly #customers = new Dictionary();
  readonly #sources = new Dictionary();
  readonly #subjects = new Dictionary();
  readonly #meters = new Dictionary();
  readonly #models: string[] = [];
  readonly #versions: string[] = [];
  readonly #statuses: string[] = [];
  readonly #identities: string[] = [];
  readonly #contents: bigint[] = [];
  readonly #occurredAt: bigint[] = [];
  readonly #customer: number[] = [];
  readonly #subject: number[] = [];
  readonly #source: number[] = [];
  readonly #ids: string[] = [];
  readonly #parents: (string | null)[] = [];
  readonly #builtIn = BUILT_IN.map((): (bigint | "NULL")[] => []);
  readonly #otherPlace: number[] = [];
  readonly #otherMeter: number[] = [];
  readonly #otherQuantity: bigint[] = [];
  #hasParents = false;

  get length(): number {
    return this.#identities.length;
  }

  add(event: UsageEvent, identity: string, content: bigint): void {
    this.#identities.push(identity);
    this.#contents.push(content);
    this.#occurredAt.push(event.occurredAt);
    this.#customer.push(this.#customers.numberOf(event.customer));
    this.#source.push(this.#sources.numberOf(event.source));
    this.#subject.push(this.#subjectOf(event));
    this.#ids.push(event.id);
    this.#parents.push(event.parent);
    this.#hasParents ||= event.parent !== null;
    for (let meter = 0; meter < BUILT_IN.length; meter++) {
      this.#builtIn[meter]?.push(event.quantities.get(BUILT_IN[meter] ?? "") ?? "NULL");
    }
    for (const [meter, quantity] of event.quantities) {
      if (meter === "runs" || (BUILT_IN as readonly string[]).includes(meter)) continue;
      this.#otherPlace.push(this.length);
      this.#otherMeter.push(this.#meters.numberOf(meter));
      this.#otherQuantity.push(quantity);
    }
  }

  /** Each column as the text of a PostgreSQL array; null for one that no event has. */
  toArrays() {
    const [predictSeconds, inputTokens, outputTokens, images] = this.#builtIn.map((column) =>
      column.every((quantity) => quantity === "NULL") ? null : numbers(column),
    );
    return {
      customers: texts(this.#customers.names),
      sources: texts(this.#sources.names),
      models: texts(this.#models),
      versions: texts(this.#versions),
      statuses: texts(this.#statuses),
      meters: texts(this.#meters.names),
      identities: numbers(this.#identities),
      contents: numbers(this.#contents),
      occurredAt: numbers(this.#occurredAt),
      customer: numbers(this.#customer),
      subject: numbers(this.#subject),
      source: numbers(this.#source),
      ids: texts(this.#ids),
      parents: this.#hasParents ? texts(this.#parents) : null,
      predictSeconds: predictSeconds ?? null,
      inputTokens: inputTokens ?? null,
      outputTokens: outputTokens ?? null,
      images: images ?? null,
      otherPlace: numbers(this.#otherPlace),
      otherMeter: numbers(this.#otherMeter),
      otherQuantity: numbers(this.#otherQuantity),
    };
  }

  #subjectOf({ model, version, status }: UsageEvent): number {
    // A status has no colon and a model's id has none either, so the key names one subject.
    const known = this.#subjects.names.length;
    const subject = this.#subjects.numberOf(`${status}:${model}:${version}`);
    if (subject > known) {
      this.#models.push(model);
      this.#versions.push(version);
      this.#statuses.push(status);
    }
    return subject;
  }
}

/** Numbers names from 1, in the order in which they come. */
class Dictionary {
  readonly names: string[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.names.push(name);
    this.#numbers.set(name, this.names.length);
    return this.names.length;
  }
}

function numbers(column: readonly (bigint | number | string)[]): string {
  return `{${column.join(",")}}`;
}

function texts(column: readonly (string | null)[]): string {
  return `{${column.map(quoted).join(",")}}`;
}

function quoted(text: string | null): string {
  if (text === null) return "NULL";
  return /["\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, "\\$&")}"` : `"${text}"`;
}
