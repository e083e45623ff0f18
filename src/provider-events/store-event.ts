import type { Sql } from "../postgres/index.ts";
import type { ProviderEvent } from "./provider-event.ts";

/**
 * Keeps an event, once: one that comes again changes nothing. Answers whether it is new.
 * @param livemode whether our key moves real money
 */
export async function storeEvent(sql: Sql, event: ProviderEvent, livemode: boolean): Promise<boolean> {
  const foreign =
    event.livemode === livemode
      ? null
      : `it happened in ${event.livemode ? "live" : "test"} mode, and our key is for the other one`;
  const stored = await sql`
    INSERT INTO provider_event (id, type, account, about, livemode, occurred_at, body, state, outcome)
    VALUES (${event.id}, ${event.type}, ${event.account}, ${event.about}, ${event.livemode}, ${event.occurredAt},
      ${event.body}, ${foreign === null ? "waiting" : "ignored"}, ${foreign})
    ON CONFLICT (id) DO NOTHING RETURNING 1`;
  return stored.length > 0;
}

/** Handles an event once more, whatever became of it. Answers false when there is none. */
export async function replayEvent(sql: Sql, id: string): Promise<boolean> {
  const replayed = await sql`
    UPDATE provider_event SET state = 'waiting', outcome = NULL, attempts = 0, next_try_at = now(), updated_at = now()
    WHERE id = ${id} RETURNING 1`;
  return replayed.length > 0;
}
