import { setTimeout as pause } from "node:timers/promises";
import type { OracleEvent } from "../../oracle/index.ts";
import { HEAL_WITHIN_MS } from "./settings.ts";

const ANSWER_WITHIN_MS = 5_000;
const RETRY_MS = 100;
const GIVE_UP_AFTER_MS = HEAL_WITHIN_MS + 30_000;

/** Everything that was acknowledged, as a producer knows it. */
export interface Acknowledged {
  /** In the order of the acknowledgements; an event that was sent several times is there several times. */
  events: OracleEvent[];
  /** How often an event was sent and not acknowledged, so that it was sent again: it may be in the log several times. */
  retries: number;
}

type Send = (batch: readonly unknown[], signal: AbortSignal) => Promise<Response>;

/** A producer as it should be: it sends the very same batch again until it is acknowledged. */
export class Producer {
  readonly acknowledged: Acknowledged = { events: [], retries: 0 };
  readonly #send: Send;

  constructor(send: Send) {
    this.#send = send;
  }

  /** @throws Error when it is refused, or not acknowledged for minutes. */
  async deliver(batch: readonly OracleEvent[]): Promise<void> {
    let last: unknown;
    for (const deadline = Date.now() + GIVE_UP_AFTER_MS; Date.now() < deadline; await pause(RETRY_MS)) {
      const response = await this.#send(batch, AbortSignal.timeout(ANSWER_WITHIN_MS)).catch(
        (error: unknown) => {
          last = error;
        },
      );
      if (response !== undefined && (await this.#isAcknowledged(response, batch))) {
        this.acknowledged.events.push(...batch);
        return;
      }
      last = response?.status ?? last;
      if (response !== undefined || !nobodyListened(last)) this.acknowledged.retries += batch.length;
    }
    throw new Error(`a batch was not acknowledged within ${GIVE_UP_AFTER_MS} ms: ${last}`);
  }

  async #isAcknowledged(response: Response, batch: readonly unknown[]): Promise<boolean> {
    // Killed between head and body: not acknowledged.
    const text = await response.text().catch(() => undefined);
    if (text === undefined || response.status >= 500 || response.status === 429) return false;
    const answer = JSON.parse(text) as { accepted?: number; rejected?: unknown[] };
    if (response.status === 202 && answer.accepted === batch.length && answer.rejected?.length === 0)
      return true;
    throw new Error(`a batch of good events was refused: ${response.status} ${text}`);
  }
}

/** What nobody listened to is certainly not in the log. */
function nobodyListened(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return cause?.code === "ECONNREFUSED";
}
