import type { Sql } from "../../postgres/index.ts";
import { OpenUsage } from "../open/open-usage.ts";

/** Of all databases and payees of this process together: a quarter of a kilobyte each, with what is summed from them. */
const WINDOWS_MAX = 200_000;

/** What was asked for longest ago goes first. */
const kept = new Map<string, OpenUsage>();

/** A payee's usage in months that are not released, with everything in it that was committed before the call. */
export async function openUsageOf(sql: Sql, payee: string, unreleased: string): Promise<OpenUsage> {
  const name = JSON.stringify([sql.scope, payee, unreleased]);
  const usage = kept.get(name) ?? new OpenUsage(payee, unreleased);
  kept.delete(name);
  kept.set(name, usage);
  await usage.upToDate(sql);
  forgetOldest();
  return usage;
}

function forgetOldest(): void {
  let windows = 0;
  for (const usage of kept.values()) windows += usage.size;
  for (const [name, usage] of kept) {
    if (windows <= WINDOWS_MAX) return;
    kept.delete(name);
    windows -= usage.size;
  }
}
