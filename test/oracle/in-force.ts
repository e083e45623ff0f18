import type { OracleCatalog, OraclePrice } from "./shapes.ts";
import { effectiveChain, type Level, payeesOf } from "./waterfall.ts";

interface Version<T> {
  from: bigint;
  value: T;
}

/** A split plan: what is in force for a model at a moment. */
export interface Plan {
  chain: Level[];
  /** Equal for plans of equal content. */
  number: number;
  payees: Set<string>;
}

const DEFAULT_STEPS: Level["steps"] = [
  { take: "platform", percent: "20" },
  { take: "shares", shares: [{ payee: "$owner", weight: 1 }] },
];
const BEGINNING = -(10n ** 18n);

/** Microseconds since 1970 of an RFC 3339 time; what is finer is cut off. */
export function microsOf(time: string): bigint {
  const [, second = "", fraction = "", zone = ""] = /^(.{19})(?:\.(\d+))?(.+)$/.exec(time) ?? [];
  const micros = BigInt(Date.parse(`${second}${zone}`)) * 1000n;
  return micros + BigInt(fraction.padEnd(6, "0").slice(0, 6));
}

/** Answers what is in force at a moment, from nothing but the document. */
export class Catalogue {
  readonly #customers: Map<string, Version<NonNullable<OracleCatalog["customers"]>[number]>[]>;
  readonly #models: Map<string, Version<NonNullable<OracleCatalog["models"]>[number]>[]>;
  readonly #policies: Map<string, Version<Level["steps"]>[]>;
  readonly #prices: Map<string, Version<OraclePrice>[]>;
  readonly #moments: bigint[];
  readonly #plans = new Map<string, Plan | undefined>();
  readonly #numbers = new Map<string, number>();

  constructor({ customers = [], models = [], policies = [], prices = [] }: OracleCatalog) {
    this.#customers = versions(customers, (row) => [row.id, row]);
    this.#models = versions(models, (row) => [row.id, row]);
    this.#policies = versions(policies, (row) => [row.model, row.steps]);
    this.#prices = versions(prices, (row) => [`${row.model} ${row.currency}`, row]);
    const from = [...this.#models.values(), ...this.#policies.values()].flatMap((list) =>
      list.map((v) => v.from),
    );
    this.#moments = [...new Set(from)].sort((a, b) => (a < b ? -1 : 1));
  }

  customer(id: string, at: bigint) {
    return inForce(this.#customers.get(id), at);
  }

  price(model: string, currency: string, at: bigint): OraclePrice | undefined {
    return inForce(this.#prices.get(`${model} ${currency}`), at);
  }

  /** Undefined before the model exists. Worked out once between two moments at which anything changes. */
  plan(model: string, at: bigint): Plan | undefined {
    const key = `${model} ${countUpTo(this.#moments, at)}`;
    if (!this.#plans.has(key)) this.#plans.set(key, this.#resolve(model, at));
    return this.#plans.get(key);
  }

  #resolve(model: string, at: bigint): Plan | undefined {
    const lineage: Level[] = [];
    for (let next: string | null = model; next !== null; ) {
      const version: { payee: string; base_model?: string | null | undefined } | undefined = inForce(
        this.#models.get(next),
        at,
      );
      if (version === undefined) break;
      const steps = inForce(this.#policies.get(next), at) ?? DEFAULT_STEPS;
      lineage.push({ model: next, owner: version.payee, steps });
      next = version.base_model ?? null;
    }
    if (lineage.length === 0) return undefined;
    const chain = effectiveChain(lineage);
    const content = JSON.stringify(chain);
    const number = this.#numbers.get(content) ?? this.#numbers.size;
    this.#numbers.set(content, number);
    return { chain, number, payees: payeesOf(chain) };
  }
}

function versions<R extends { effective_from?: string | undefined }, T>(
  rows: readonly R[],
  read: (row: R) => [key: string, value: T],
): Map<string, Version<T>[]> {
  const found = new Map<string, Version<T>[]>();
  for (const row of rows) {
    const [key, value] = read(row);
    const from = row.effective_from === undefined ? BEGINNING : microsOf(row.effective_from);
    const list = found.get(key) ?? [];
    if (list.some((version) => version.from === from))
      throw new Error(`${key} has two versions of the same time`);
    found.set(
      key,
      [...list, { from, value }].sort((a, b) => (a.from < b.from ? -1 : 1)),
    );
  }
  return found;
}

function inForce<T>(list: readonly Version<T>[] | undefined, at: bigint): T | undefined {
  return list?.findLast((version) => version.from <= at)?.value;
}

function countUpTo(sorted: readonly bigint[], at: bigint): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as bigint) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
