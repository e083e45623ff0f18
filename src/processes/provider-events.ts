import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { simulatorWebhooks } from "../adapters/stripe/webhook-endpoints.ts";
import { disputeEventHandlers, refundEventHandlers, sendDueRefunds } from "../adjustments/index.ts";
import { invoiceEventHandlers, tellDuePayments } from "../billing/index.ts";
import { type EventHandlers, handleDueEvents, payoutEventHandlers } from "../provider-events/index.ts";
import { isEverywhere, isLoopback, urlAt } from "./config.ts";
import type { Tributary } from "./wire.ts";

const LOOK_EVERY_MS = 1_000;

/** Handles what Stripe told, and makes there what was refunded here, and tells it what was paid elsewhere, until stopped. Several processes may do so at once. */
export function startTalkingToStripe({
  sql,
  provider,
  billing,
  refunds,
  logger,
}: Tributary): () => Promise<void> {
  const handlers: EventHandlers = new Map([
    ...payoutEventHandlers(sql, provider),
    ...invoiceEventHandlers(sql, billing),
    ...refundEventHandlers(sql, refunds),
    ...disputeEventHandlers(sql, refunds),
  ]);
  const stopping = new AbortController();
  const repeat = async (what: string, work: () => Promise<unknown>) => {
    while (!stopping.signal.aborted) {
      try {
        await work();
      } catch (err) {
        if (!stopping.signal.aborted) logger.error({ err }, `${what} failed; it is tried again`);
      }
      await pause(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const loops = [
    repeat("handling Stripe's events", () => handleDueEvents(sql, handlers)),
    repeat("telling Stripe of payments", async () => {
      const { problems } = await tellDuePayments(sql, billing);
      for (const problem of problems) logger.warn(problem, "Stripe is not told of a payment");
    }),
    repeat("making refunds at Stripe", async () => {
      const { problems } = await sendDueRefunds(sql, refunds);
      for (const problem of problems) logger.warn(problem, "a refund is not made at Stripe");
    }),
  ];
  return async () => {
    stopping.abort();
    await Promise.all(loops);
  };
}

/** Which secrets may have signed a webhook: the configured ones, and those of the simulator once it has been told of us. */
export class WebhookSecrets {
  #secrets: readonly string[];

  constructor(configured: readonly string[]) {
    this.#secrets = configured;
  }

  all(): readonly string[] {
    return this.#secrets;
  }

  /** Has the simulator send its events here. The service runs without, too: webhooks only tell sooner what is asked anyway. */
  async hearSimulator({ simulator, logger, config }: Tributary, url: string): Promise<() => Promise<void>> {
    if (simulator === null) return async () => {};
    try {
      const own = seenFrom(simulator, config.HOST, url);
      const endpoints = await simulatorWebhooks(simulator, `${own}/v1/webhooks/stripe`);
      this.#secrets = [...this.#secrets, ...endpoints.secrets];
      return () => endpoints.remove().catch(() => {});
    } catch (err) {
      logger.warn({ err }, "the Stripe simulator sends no webhooks here");
      return async () => {};
    }
  }
}

/** Where a simulator finds this service: in another container by this one's name, since 127.0.0.1 is itself there. */
function seenFrom(simulator: string, host: string, url: string): string {
  return isEverywhere(host) && !isLoopback(simulator) ? urlAt(hostname(), Number(new URL(url).port)) : url;
}
