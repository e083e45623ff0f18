import { tooMany } from "./errors.ts";

/** Stripe's limit of requests a second, off until a lever sets it. By the machine's own clock. */
export class RateLimit {
  #perSecond = Number.POSITIVE_INFINITY;
  #second = 0;
  #taken = 0;

  /** Zero lifts it. */
  set(perSecond: number): void {
    this.#perSecond = perSecond === 0 ? Number.POSITIVE_INFINITY : perSecond;
  }

  /** @throws StripeProblem 429 when this second's requests are used up */
  take(): void {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) this.#taken = 0;
    this.#second = second;
    if (++this.#taken > this.#perSecond)
      throw tooMany(
        "rate_limit",
        "Request rate limit exceeded. You can learn more at stripe.com/docs/rate-limits.",
      );
  }
}
