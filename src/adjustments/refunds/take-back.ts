import type { Sql } from "../../postgres/index.ts";
import type { EventOutcome } from "../../provider-events/index.ts";
import { returnRefund } from "./refund.ts";

/** What came of it in our books is given back, once; what never came there needs nothing. */
export async function takeBack(sql: Sql, reference: string, reason: string): Promise<EventOutcome> {
  const [booked] = await sql<{ id: string; back: string | null }[]>`
    SELECT a.id, (SELECT r.id FROM adjustment r WHERE r.reverses = a.adjustment_no) AS back
    FROM adjustment a WHERE reference = ${reference}`;
  if (booked === undefined) return { state: "handled", outcome: `${reason}: nothing was booked for it` };
  if (booked.back !== null)
    return { state: "handled", outcome: `${reason}: ${booked.back} gave it back already` };
  const id = await returnRefund(sql, {
    id: booked.id,
    reference: `${reference}:returned`,
    reason,
    by: "stripe",
  });
  return { state: "handled", outcome: `${reason}: ${id} gives back ${booked.id}` };
}
