import type { NotDone } from "../../billing/index.ts";
import { ProviderUnavailable } from "../../payouts/index.ts";
import { outcomeOfError } from "./outcome-of-error.ts";

/** An error as what it means: only a clear refusal is definitive. */
export async function candidly<T>(call: () => Promise<T>): Promise<T | NotDone> {
  try {
    return await call();
  } catch (error) {
    const outcome = outcomeOfError(error);
    if (outcome.outcome === "no_funds" || outcome.outcome === "paid")
      return { outcome: "failed", detail: "detail" in outcome ? outcome.detail : "" };
    return outcome;
  }
}

/** @throws ProviderUnavailable */
export async function ask<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new ProviderUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
