import type { Sql } from "../../postgres/index.ts";

/** What a customer or a model says about payloads. */
export interface RetentionRule {
  /** Days; 0 for never kept, null when it says nothing. Of two that say something the shorter holds. */
  days: number | null;
  /** A customer's: nothing goes, whatever its age. */
  hold: boolean;
  /** A customer's: creators may read what their models got and gave. */
  creators_read: boolean;
}

export type RuleSubject = { kind: "customer" | "model"; subject: string };

const SILENT: RetentionRule = { days: null, hold: false, creators_read: false };

export async function findRule(sql: Sql, { kind, subject }: RuleSubject): Promise<RetentionRule> {
  const [row] = await sql<RetentionRule[]>`
    SELECT days, hold, creators_read FROM payload_rule WHERE kind = ${kind} AND subject = ${subject}`;
  return row ?? SILENT;
}

/**
 * Sets what is given and leaves the rest. A shorter time holds at once for what is kept already, a longer one only for what
 * comes; the sweeper brings what lies on disk in line.
 */
export async function setRule(
  sql: Sql,
  { kind, subject }: RuleSubject,
  { days, hold, creators_read }: { [K in keyof RetentionRule]?: RetentionRule[K] | undefined },
): Promise<RetentionRule> {
  const [row] = await sql<[RetentionRule]>`
    INSERT INTO payload_rule AS r (kind, subject, days, hold, creators_read)
    VALUES (${kind}, ${subject}, ${days ?? null}, ${hold ?? false}, ${creators_read ?? false})
    ON CONFLICT (kind, subject) DO UPDATE SET
      days = CASE WHEN ${days === undefined} THEN r.days ELSE excluded.days END,
      hold = CASE WHEN ${hold === undefined} THEN r.hold ELSE excluded.hold END,
      creators_read = CASE WHEN ${creators_read === undefined} THEN r.creators_read ELSE excluded.creators_read END,
      set_at = clock_timestamp(), applied_at = NULL
    RETURNING days, hold, creators_read`;
  return row;
}
