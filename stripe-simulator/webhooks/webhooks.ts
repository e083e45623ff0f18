import type Stripe from "stripe";
import type { Delivery, State, WebhookEndpoint } from "../state.ts";
import { signature } from "./signature.ts";

const LOOK_EVERY_MS = 20;
const ANSWER_WITHIN_MS = 10_000;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
/** Stripe tells only "for up to three days with an exponential back off"; this is a schedule of that kind. */
const RETRY_AFTER_SECONDS = [MINUTE, 5 * MINUTE, HOUR / 2, 2 * HOUR, 5 * HOUR, 10 * HOUR];
const RETRY_AT_LAST_SECONDS = 12 * HOUR;
const GIVE_UP_AFTER_SECONDS = 72 * HOUR;

/** What a lever changes about a delivery that it makes by hand. */
export interface Tampering {
  forged?: boolean | undefined;
  account?: string | undefined;
  livemode?: boolean | undefined;
  ageSeconds?: number | undefined;
}

/** Sends events to the endpoints that want them, again and later when they are not taken. */
export class Webhooks {
  readonly #state: State;
  readonly #underWay = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #held = false;

  constructor(state: State) {
    this.#state = state;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Held back, deliveries wait; released, they go out one after another, the newest first if so wished. */
  async hold(held: boolean, newestFirst: boolean): Promise<void> {
    if (!held && newestFirst) for (const delivery of this.#due().reverse()) await this.#attempt(delivery);
    this.#held = held;
  }

  /** One delivery to every endpoint, now, beside the regular ones. Answers what the endpoints said. */
  async send(event: Stripe.Event, tampering: Tampering): Promise<(number | null)[]> {
    const { account, livemode } = tampering;
    const told = {
      ...event,
      ...(account === undefined ? {} : { account }),
      ...(livemode === undefined ? {} : { livemode }),
    };
    const endpoints = [...this.#state.objects.webhook_endpoint.values()];
    const statuses: (number | null)[] = [];
    for (const endpoint of endpoints)
      statuses.push(await this.#post(endpoint, told as Stripe.Event, tampering));
    return statuses;
  }

  #look(): void {
    if (this.#held) return;
    for (const delivery of this.#due()) void this.#attempt(delivery);
  }

  #due(): Delivery[] {
    const now = this.#state.now();
    return [...this.#state.deliveries.values()].filter(
      ({ due, id }) => due <= now && !this.#underWay.has(id),
    );
  }

  async #attempt(delivery: Delivery): Promise<void> {
    const event = this.#state.objects.event.get(delivery.event);
    const endpoint = this.#state.objects.webhook_endpoint.get(delivery.endpoint);
    this.#underWay.add(delivery.id);
    try {
      const gone = event === undefined || endpoint === undefined;
      // Nobody is told of what a kill could still undo.
      await this.#state.durable();
      const status = gone ? null : await this.#post(endpoint, event, {});
      const taken = gone || (status !== null && status >= 200 && status < 300);
      this.#state.commit(taken ? { delivered: delivery.id } : this.#later(delivery, event.created));
    } finally {
      this.#underWay.delete(delivery.id);
    }
  }

  #later(delivery: Delivery, created: number) {
    const due = this.#state.now() + (RETRY_AFTER_SECONDS[delivery.attempts] ?? RETRY_AT_LAST_SECONDS);
    if (due > created + GIVE_UP_AFTER_SECONDS) return { delivered: delivery.id };
    return { deliver: [{ ...delivery, due, attempts: delivery.attempts + 1 }] };
  }

  /** The endpoint's status, or null when there was no answer. */
  async #post(
    { endpoint, secret }: WebhookEndpoint,
    event: Stripe.Event,
    { forged = false, ageSeconds = 0 }: Tampering,
  ): Promise<number | null> {
    const body = JSON.stringify(event, null, 2);
    const header = signature(forged ? "whsec_forged" : secret, body, this.#state.now() - ageSeconds);
    try {
      const response = await fetch(endpoint.url, {
        method: "POST",
        body,
        headers: { "Content-Type": "application/json; charset=utf-8", "Stripe-Signature": header },
        redirect: "manual",
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      await response.body?.cancel();
      return response.status;
    } catch {
      return null;
    }
  }
}
