import type { Health } from "../../http/index.ts";
import { lagOf, type Progress } from "../../metering/index.ts";
import { isTrouble, type Reading } from "./reading.ts";

/** What an operator must notice where row policies bind nobody. */
export const ROW_SECURITY_OFF =
  "row-level security is off: the database's user may not act as tributary_reader, so the queries' own conditions are all that keeps payees and customers apart. CREATE ROLE tributary_reader NOLOGIN and GRANT it to that user before the first migration";

export interface HealthFacts {
  reading: Reading;
  /** Null when there was no complete reading yet. */
  progress: Progress | null;
  /** This process meters: standing still is its failure, too. */
  meters: boolean;
  /** Row policies bind what payees and customers read; undefined in a process that nobody reads from. */
  rowSecurity: boolean | undefined;
  halted: readonly [partition: number, reason: string][];
  nowMs: number;
  limitSeconds: number;
}

/** Healthy is what does its work, not what runs. */
export function judgeHealth(facts: HealthFacts): Health {
  const { reading, progress, meters, halted, nowMs, limitSeconds } = facts;
  const { cursors, extent } = reading;
  const reasons: string[] = [];
  if (isTrouble(cursors)) reasons.push(`the database cannot be read: ${cursors.trouble}`);
  if (isTrouble(extent)) reasons.push(`the usage log cannot be reached: ${extent.trouble}`);
  if (meters) {
    reasons.push(...halted.map(([partition, reason]) => `partition ${partition} is halted: ${reason}`));
    if (reasons.length === 0 && progress !== null) reasons.push(...standing(progress, nowMs, limitSeconds));
  }
  const warnings = facts.rowSecurity === false ? [ROW_SECURITY_OFF] : [];
  return { status: reasons.length === 0 ? "ok" : "failing", reasons, warnings };
}

/** Partition by partition: one that no batch gets through must show, however busy the others are. */
function standing({ partitions }: Progress, nowMs: number, limitSeconds: number): string[] {
  return partitions.flatMap((each) => {
    const { partition, broken, standsSinceMs } = each;
    if (broken !== null) return [`partition ${partition} cannot go on: ${broken}`];
    const seconds = standsSinceMs === null ? 0 : Math.floor((nowMs - standsSinceMs) / 1000);
    if (seconds <= limitSeconds) return [];
    return [`partition ${partition}: ${lagOf(each)} records wait and nothing was metered for ${seconds} s`];
  });
}
