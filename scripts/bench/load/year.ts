import { setTimeout as pause } from "node:timers/promises";
import { openPostgresUsageLog } from "../../../src/adapters/postgres-log/postgres-usage-log.ts";
import { type Period, parsePeriod, present } from "../../../src/kernel/index.ts";
import { foldCustomerWindows, mergeWindows } from "../../../src/metering/index.ts";
import type { Sql } from "../../../src/postgres/index.ts";
import { createLogger } from "../../../src/processes/logger.ts";
import { followMetering } from "../measure/follow.ts";
import { say } from "../say.ts";
import type { RoleProcess } from "../world/roles.ts";
import { produceUsage } from "./produce.ts";

const MONTHS = 12;
const ASK_EVERY_MS = 200;

/** The months of the year that ends with this one, the oldest first. */
export function monthsOfYear(now = new Date()): Period[] {
  return Array.from({ length: MONTHS }, (_, n) => {
    const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - (MONTHS - 1 - n), 1));
    return present(parsePeriod(first.toISOString().slice(0, 7)), "a month");
  });
}

/** So many events of that year, through the log in PostgreSQL and a worker as it is run: windows, customers' sums and all. */
export async function meterYear(
  sql: Sql,
  worker: RoleProcess,
  settings: { seed: number; events: number; partitions: number },
): Promise<void> {
  const { seed, events, partitions } = settings;
  const [first = ""] = monthsOfYear();
  const fromMs = Date.parse(`${first}-01T00:00:00Z`);
  const log = await openPostgresUsageLog({ sql, log: createLogger("error"), partitions });
  const appended = produceUsage(log, seed, events, { fromMs, spanMs: Date.now() - fromMs });
  appended.catch(() => {});
  await Promise.race([Promise.all([appended, followMetering(sql, events)]), worker.failed]);
  await log.close();
  await foldCustomerWindows(sql);
  await mergeWindows(sql);
  await sql`ANALYZE`;
}

/** Closes months and pays them out, as operators do. @throws Error when a step is refused */
export async function settleMonths(
  operator: (method: string, path: string, body?: unknown) => Promise<unknown>,
  months: readonly Period[],
): Promise<void> {
  for (const month of months) {
    say(`pages: settling ${month}`);
    const at = `/v1/settlements/${month}`;
    for (const step of ["close", "plan"]) await operator("POST", `${at}/${step}`);
    const { plan, plan_hash } = (await operator("GET", at)) as {
      plan: { warnings: { code: string }[] };
      plan_hash: string;
    };
    const confirm = plan.warnings.map(({ code }) => code);
    await operator("POST", `${at}/approve`, { hash: plan_hash, confirm });
    await operator("POST", `${at}/pay`);
    while (((await operator("GET", at)) as { state: string }).state !== "paid") await pause(ASK_EVERY_MS);
  }
}
