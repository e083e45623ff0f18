import type { Sql } from "../../postgres/index.ts";
import { textArray } from "../columns/text-array.ts";

/** Then all of them are asked for again: whoever invents customers fills no memory. */
const CUSTOMERS_MAX = 100_000;

/** Times are microseconds since 1970. */
interface KnownKind {
  kind: string;
  since: number;
  until: number;
}

/**
 * Which customers are alike to the books (currency, country, payee), so that their usage is summed together. Believed and not
 * known: the catalogue may have changed, and the database refuses a batch whose customers of one kind are not.
 */
export class CustomerKinds {
  readonly #known = new Map<string, KnownKind>();

  /** Undefined when one kind is not known for all of that time. */
  of(customer: string, first: number, last: number): string | undefined {
    const known = this.#known.get(customer);
    return known !== undefined && known.since <= first && last < known.until ? known.kind : undefined;
  }

  /** Asks for the kinds of those of the customers that are not known for all of that time. */
  async learn(sql: Sql, customers: readonly string[], first: number, last: number): Promise<void> {
    const unknown = customers.filter((customer) => this.of(customer, first, last) === undefined);
    if (unknown.length === 0) return;
    if (this.#known.size > CUSTOMERS_MAX) this.forget();
    const rows = await sql<{ place: number; kind: string; since: string; until: string }[]>`
      SELECT place, kind, since::text, until::text
      FROM customer_kinds(${textArray(unknown)}::text::text[], ${String(first)}, ${String(last)})`;
    for (const { place, kind, since, until } of rows)
      this.#known.set(unknown[place - 1] ?? "", { kind, since: Number(since), until: Number(until) });
  }

  forget(): void {
    this.#known.clear();
  }
}
