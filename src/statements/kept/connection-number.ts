import type { Sql } from "../../postgres/index.ts";

/** By the connections that something was read over: who sees only its own rows there is not given what others read. */
const numbers = new WeakMap<Sql, number>();
let lastNumber = 0;

export function connectionNumber(sql: Sql): number {
  const known = numbers.get(sql);
  if (known !== undefined) return known;
  lastNumber += 1;
  numbers.set(sql, lastNumber);
  return lastNumber;
}
