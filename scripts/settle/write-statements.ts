import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { firstDay, type Period, present, Refusal } from "../../src/kernel/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import type { Statement } from "../../src/settlement/index.ts";
import {
  findStatements,
  type Party,
  statementDocuments,
  statementPdf,
  statementsCsv,
} from "../../src/statements/index.ts";

/**
 * Writes each statement of a closed month as JSON, CSV and PDF. Files appear whole or not at all, the JSON last: run again, it
 * goes on after the last one that is there. Answers how many were written, and how many there are.
 */
export async function writeStatementFiles(
  sql: Sql,
  period: Period,
  folder: string,
  platform: Party,
  onProgress: (done: number, total: number) => void,
): Promise<{ written: number; statements: number }> {
  const payees = await sql<{ payee: string }[]>`
    SELECT DISTINCT payee FROM statement s JOIN settlement USING (period)
    WHERE period = ${firstDay(period)} AND closed_at IS NOT NULL ORDER BY payee`;
  if (payees.length === 0)
    throw new Refusal("period_not_closed", `${period} has no statements yet: close it first`);
  await mkdir(folder, { recursive: true });
  let [written, statements] = [0, 0];
  for (const [done, { payee }] of payees.entries()) {
    for (const statement of await findStatements(sql, payee, period)) {
      statements++;
      if (await writeOne(sql, statement, folder, platform)) written++;
    }
    onProgress(done + 1, payees.length);
  }
  return { written, statements };
}

async function writeOne(sql: Sql, statement: Statement, folder: string, platform: Party): Promise<boolean> {
  const path = join(folder, `${statement.period}-${statement.payee}-${statement.currency}`);
  if ((await hashIn(`${path}.json`)) === statement.hash) return false;
  const [document] = await statementDocuments(sql, statement.payee, [statement]);
  const known = present(document, "the statement's document");
  await writeWhole(`${path}.csv`, statementsCsv([known]));
  await writeWhole(`${path}.pdf`, await statementPdf(known, platform));
  await writeWhole(`${path}.json`, `${JSON.stringify(statement, null, 2)}\n`);
  return true;
}

async function hashIn(path: string): Promise<string | undefined> {
  try {
    return (JSON.parse(await readFile(path, "utf8")) as Statement).hash;
  } catch {
    return undefined;
  }
}

async function writeWhole(path: string, content: string | Buffer): Promise<void> {
  await writeFile(`${path}.part`, content, { flush: true });
  await rename(`${path}.part`, path);
}
