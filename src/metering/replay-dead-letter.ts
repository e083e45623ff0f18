import { Refusal } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { UsageLog } from "../usage/index.ts";

/**
 * Sends a dead letter's bytes through the log again, after what stopped it was mended. Sent twice it is a duplicate at
 * worst, so the mark is set after the log has it.
 * @throws Refusal not_found, already_replayed, or conflict_needs_decision.
 */
export async function replayDeadLetter(sql: Sql, log: UsageLog, id: string): Promise<void> {
  const [letter] = await sql<{ reason: string; raw: Buffer; replayed_at: Date | null }[]>`
    SELECT reason, raw, replayed_at FROM dead_letter WHERE dead_letter_no = ${id}`;
  if (letter === undefined) throw new Refusal("not_found", `there is no dead letter ${id}`);
  if (letter.replayed_at !== null)
    throw new Refusal("already_replayed", `dead letter ${id} was replayed already`);
  if (letter.reason === "conflict") {
    throw new Refusal(
      "conflict_needs_decision",
      "the same identity was metered with other content; replaying cannot change that: book a correction instead",
    );
  }
  await log.append([{ key: `dead-letter-${id}`, value: letter.raw }]);
  await sql`UPDATE dead_letter SET replayed_at = now() WHERE dead_letter_no = ${id}`;
}
