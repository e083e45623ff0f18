import { formatInstant, type Instant } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";

const IDENTITIES_PER_CALL = 50_000;

/**
 * Forgets the identities of events that were booked before `floor`, after seeing to it that no event from before it is
 * ever metered again: new ones and repeats can no longer be told apart. Answers how many. Safe to repeat; the floor only
 * rises.
 */
export async function forgetIdentities(sql: Sql, floor: Instant): Promise<number> {
  await sql`SELECT raise_identity_floor(${formatInstant(floor)}::timestamptz)`;
  let forgotten = 0;
  for (;;) {
    const [row] = await sql<
      [{ count: string }]
    >`SELECT forget_identities(${IDENTITIES_PER_CALL})::text AS count`;
    forgotten += Number(row.count);
    if (row.count === "0") return forgotten;
  }
}
