import type { Sql } from "../../postgres/index.ts";
import type { Group } from "./groups.ts";

const GROUPS_MAX = 40_000;

/** What was summed of released months: it never changes. What was asked for longest ago goes first. */
class KeptGroups {
  readonly #kept = new Map<string, readonly Group[]>();
  #size = 0;

  async get(name: string, sum: () => Promise<readonly Group[]>): Promise<readonly Group[]> {
    const groups = this.#take(name) ?? (await sum());
    this.#take(name);
    if (groups.length >= GROUPS_MAX) return groups;
    this.#kept.set(name, groups);
    this.#size += groups.length + 1;
    for (const oldest of this.#kept.keys()) {
      if (this.#size <= GROUPS_MAX) break;
      this.#take(oldest);
    }
    return groups;
  }

  #take(name: string): readonly Group[] | undefined {
    const groups = this.#kept.get(name);
    if (groups === undefined) return undefined;
    this.#kept.delete(name);
    this.#size -= groups.length + 1;
    return groups;
  }
}

/** By the connections that it was read over: who sees only its own rows there is not given what others read. */
const keptFor = new WeakMap<Sql, KeptGroups>();

/** Answers what was summed under this name before, over the same connections, or sums it now. */
export function keptGroups(
  sql: Sql,
  name: string,
  sum: () => Promise<readonly Group[]>,
): Promise<readonly Group[]> {
  const kept = keptFor.get(sql) ?? new KeptGroups();
  keptFor.set(sql, kept);
  return kept.get(name, sum);
}
