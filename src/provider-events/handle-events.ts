import type { Sql } from "../postgres/index.ts";
import type { EventHandlers, EventOutcome, ProviderEvent } from "./provider-event.ts";

/** Longer than one attempt takes; after it a worker that died is taken over from. */
const LEASE_SECONDS = 120;
const RETRY_AFTER_SECONDS = [5, 30, 120, 600, 1800, 7200, 21_600, 43_200];
const ATTEMPTS_MAX = RETRY_AFTER_SECONDS.length + 1;

interface Claimed extends ProviderEvent {
  attempt: number;
}

/**
 * Handles every event that is due, one after the other, and answers how many. Each attempt is committed before it begins and
 * its end after it, with no transaction open in between: killed anywhere, it is made again.
 */
export async function handleDueEvents(sql: Sql, handlers: EventHandlers): Promise<number> {
  for (let handled = 0; ; handled++) {
    const event = await claimNext(sql);
    if (event === undefined) return handled;
    await end(sql, event, await attempt(handlers, event));
  }
}

async function claimNext(sql: Sql): Promise<Claimed | undefined> {
  const [row] = await sql<Claimed[]>`
    UPDATE provider_event SET attempts = attempts + 1, updated_at = now(),
      next_try_at = now() + make_interval(secs => ${LEASE_SECONDS})
    WHERE id = (SELECT id FROM provider_event WHERE state = 'waiting' AND next_try_at <= now()
                ORDER BY next_try_at, occurred_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, type, account, about, livemode, occurred_at AS "occurredAt", body, attempts AS attempt`;
  return row;
}

type Ended = EventOutcome | { state: "waiting" | "dead"; outcome: string };

async function attempt(handlers: EventHandlers, event: Claimed): Promise<Ended> {
  // The thin form of a classic event has its name with a version before it; what it is about is fetched either way.
  const handler = handlers.get(event.type) ?? handlers.get(event.type.replace(/^v1\./, ""));
  if (handler === undefined) return { state: "ignored", outcome: `nothing here listens to ${event.type}` };
  try {
    return await handler(event);
  } catch (error) {
    const outcome = error instanceof Error ? error.message : String(error);
    return { state: event.attempt >= ATTEMPTS_MAX ? "dead" : "waiting", outcome };
  }
}

/** Nothing when another attempt has begun meanwhile. */
async function end(sql: Sql, { id, attempt }: Claimed, { state, outcome }: Ended): Promise<void> {
  const waitSeconds = RETRY_AFTER_SECONDS[attempt - 1] ?? 0;
  await sql`
    UPDATE provider_event SET state = ${state}, outcome = ${outcome.slice(0, 2000)}, updated_at = now(),
      next_try_at = now() + make_interval(secs => ${waitSeconds})
    WHERE id = ${id} AND state = 'waiting' AND attempts = ${attempt}`;
}
