import { setTimeout as pause } from "node:timers/promises";
import type { NotDone } from "./billing-provider.ts";

const BUSY_TRIES_MAX = 6;

/** Calls again, under the same key, while the provider is too busy; in the end that is unknown. */
export async function untilNotBusy<T extends { outcome: string }>(
  call: () => Promise<T | NotDone>,
): Promise<T | NotDone> {
  for (let tries = 1; ; tries++) {
    const outcome = await call();
    if (outcome.outcome !== "busy") return outcome;
    // Still sending under a key that is safe to repeat: the next run goes on with it.
    if (tries === BUSY_TRIES_MAX) return { outcome: "unknown", detail: (outcome as NotDone).detail };
    await pause(100 * 2 ** tries);
  }
}
