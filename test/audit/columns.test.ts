import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkInOrder } from "../../src/audit/index.ts";
import { openSql, type Sql } from "../../src/postgres/index.ts";
import { CHANGED_TO, FREE_COLUMNS, FREE_TABLES, MORE, NO_DELETE, ROW_OF, SHOWN_AS } from "./free-columns.ts";
import { type FullMonth, openFullMonth } from "./full-books.ts";

const AT_ONCE = 3;

let month: FullMonth;
let tables: string[];
beforeAll(async () => {
  month = await openFullMonth();
  const rows = await month.sql<{ name: string }[]>`
    SELECT table_name AS name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1`;
  tables = rows.map(({ name }) => name);
});
afterAll(() => month?.drop());

interface Mutation {
  table: string;
  /** What is said when it is not found. */
  name: string;
  change: string;
}

/** Columns are read from the database: a new table or column fails here until verify finds a change of it. */
async function mutations(sql: Sql): Promise<Mutation[]> {
  const columns = await sql<{ table: string; column: string; type: string }[]>`
    SELECT c.table_name AS table, column_name AS column, udt_name AS type FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND is_identity = 'NO' ORDER BY table_name, ordinal_position`;
  const found: Mutation[] = [];
  for (const { table, column, type } of columns) {
    if (table in FREE_TABLES || `${table}.${column}` in FREE_COLUMNS) continue;
    const name = `${table}.${column}`;
    const row = `ctid = (SELECT ctid FROM ${table} WHERE ${ROW_OF[name] ?? ROW_OF[table] ?? "true"} AND "${column}" IS NOT NULL
      AND "${column}"::text NOT IN ('infinity', '-infinity') ORDER BY ctid LIMIT 1)`;
    found.push({
      table,
      name,
      change: `UPDATE ${table} SET "${column}" = ${CHANGED_TO[name] ?? oneMore(column, type)} WHERE ${row}`,
    });
  }
  for (const table of tables) {
    if (table in FREE_TABLES || table in NO_DELETE) continue;
    const row = `ctid = (SELECT ctid FROM ${table} WHERE ${ROW_OF[table] ?? "true"} ORDER BY ctid LIMIT 1)`;
    found.push({ table, name: `a row of ${table}`, change: `DELETE FROM ${table} WHERE ${row}` });
  }
  for (const [table, changes] of Object.entries(MORE))
    for (const [name, change] of Object.entries(changes))
      found.push({ table, name: `${table}: ${name}`, change });
  return found;
}

function oneMore(column: string, type: string): string {
  const old = `"${column}"`;
  if (type === "jsonb") return `jsonb_set(${old}, '{tampered}', '1')`;
  if (type === "uuid") return "gen_random_uuid()";
  if (type === "bool") return `NOT ${old}`;
  if (type === "date") return `(${old} + interval '1 month')::date`;
  if (type === "timestamptz") return `${old} + interval '1 hour'`;
  if (type === "bytea") return `${old} || '\\x31'`;
  if (type === "text") return `${old} || 'x'`;
  if (type === "_text") return `${old} || 'x'::text`;
  const step = type === "_timestamptz" ? "interval '1 hour'" : "1";
  if (type.startsWith("_"))
    return `ARRAY(SELECT CASE WHEN n = min(n) FILTER (WHERE x IS NOT NULL) OVER () THEN x + ${step} ELSE x END
      FROM unnest(${old}) WITH ORDINALITY AS u(x, n) ORDER BY n)`;
  return `${old} + 1`;
}

/** By table: the laws that found a change of it, the last one first. Asked first, they mostly find the next one too. */
const finders = new Map<string, string[]>();

/** Whether verify names what was changed. */
async function outcome(one: Sql, mutation: Mutation): Promise<string> {
  const known = finders.get(mutation.table) ?? [];
  const result = known.length > 0 ? await search(one, mutation, known) : "not found";
  return result === "found" ? result : search(one, mutation, []);
}

/** The first that is found ends the search. As somebody who may do everything. */
async function search(one: Sql, { table, change }: Mutation, first: readonly string[]): Promise<string> {
  const shown = SHOWN_AS[table] ?? new RegExp(table.replaceAll("_", "[ _]"));
  const other: string[] = [];
  await one.unsafe("BEGIN; SET LOCAL session_replication_role = replica; SET LOCAL jit = off");
  try {
    const changed = await one.unsafe(change).catch(refusedByConstraint);
    if (changed === "refused") return "found";
    if (changed.count === 0) return "changes no row: the month must have one";
    for await (const { law, differences } of checkInOrder(one, undefined, first)) {
      if (differences.some((difference) => shown.test(difference))) {
        finders.set(table, [law, ...(finders.get(table) ?? []).filter((other) => other !== law)]);
        return "found";
      }
      other.push(...differences.slice(0, 2).map((difference) => `${law}: ${difference}`));
      if (differences.some((difference) => difference.startsWith("cannot be computed"))) break;
    }
    return other.length === 0 ? "not found" : `found, but not named: ${other.join("; ")}`;
  } finally {
    await one.unsafe("ROLLBACK");
  }
}

/** Constraints hold for everybody. */
function refusedByConstraint(error: unknown): "refused" {
  if (/^2[23]/.test((error as { code?: string }).code ?? "")) return "refused";
  throw error;
}

test("every law holds before anything is changed", async () => {
  const broken: string[] = [];
  for await (const { law, differences } of checkInOrder(month.sql))
    if (differences.length > 0) broken.push(`${law}: ${differences}`);
  expect(broken).toEqual([]);
});

test("every table has a row to change, or a reason why nothing is to be found in it", async () => {
  const empty: string[] = [];
  for (const table of tables) {
    const rows = await month.sql.unsafe(`SELECT FROM ${table} LIMIT 1`);
    if (rows.length === 0 && !(table in FREE_TABLES)) empty.push(table);
  }
  expect(empty).toEqual([]);
  const known = new Set(tables);
  expect(Object.keys(FREE_TABLES).filter((table) => !known.has(table))).toEqual([]);
});

describe("whatever is changed", () => {
  test("verify finds it and names it: each column of each table, and a row that is gone", async () => {
    const left = await mutations(month.sql);
    const missed: string[] = [];
    const worker = async () => {
      const one = openSql(month.url, { max: 1, name: "tamper" });
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const result = await outcome(one, next);
        if (result !== "found") missed.push(`${next.name}: ${result}`);
      }
      await one.end();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    expect(missed).toEqual([]);
  }, 600_000);
});
