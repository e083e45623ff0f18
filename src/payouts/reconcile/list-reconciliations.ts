import { firstDay, type Period } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { ReconcileReport } from "./reconcile.ts";

/** What comparisons of a period with the provider found, newest first. */
export async function listReconciliations(
  sql: Sql,
  period: Period,
  limit: number,
): Promise<(ReconcileReport & { run: string })[]> {
  const rows = await sql<{ run: string; report: ReconcileReport }[]>`
    SELECT run::text, report FROM reconciliation WHERE period = ${firstDay(period)} ORDER BY reconciliation.run DESC LIMIT ${limit}`;
  return rows.map(({ run, report }) => ({ run, ...report }));
}
