import type { Sql } from "../postgres/index.ts";

/** A law of the books: a figure that is stored, and the facts below it from which it is computed anew. */
export interface Check {
  /** The law in one sentence, true when it holds. */
  law: string;
  /** What breaks it, one line each with the place; at most DIFFERENCES_MAX. Reads only. */
  find(sql: Sql): Promise<string[]>;
}

export const DIFFERENCES_MAX = 100;

/** A check that is one query: every row it gives is a difference, told in its column `difference`. */
export function sqlCheck(law: string, query: string): Check {
  return {
    law,
    async find(sql) {
      const rows = await sql.unsafe<{ difference: string }[]>(
        `SELECT difference FROM (${query}) x LIMIT ${DIFFERENCES_MAX}`,
      );
      return rows.map(({ difference }) => difference);
    },
  };
}
