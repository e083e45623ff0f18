import { serverError, tooMany } from "./errors.ts";

/** `_before`: nothing is executed. `_after`: executed, kept under its key and durable, but the caller is not told. */
export const FAULTS = [
  "error_500_before",
  "error_500_after",
  "drop_before",
  "drop_after",
  "hang_before",
  "hang_after",
  "rate_limit",
  "lock_timeout",
] as const;
export type FaultKind = (typeof FAULTS)[number];

/** How a caller is left without an answer: the connection closed, or left open. */
export type Silence = "drop" | "hang";

export interface Fault {
  kind: FaultKind;
  method: string | undefined;
  pathPrefix: string;
  /** How many matching requests it strikes. */
  times: number;
  /** How many matching requests pass first. */
  after: number;
}

/** Faults on demand, each used up by the requests it strikes. They end with the process. */
export class Faults {
  #faults: Fault[] = [];

  add(fault: Fault): void {
    this.#faults.push(fault);
  }

  clear(): void {
    this.#faults = [];
  }

  get count(): number {
    return this.#faults.length;
  }

  /** The fault that strikes this request, if any: the oldest that matches. */
  strike(method: string, path: string): FaultKind | undefined {
    for (const fault of this.#faults) {
      if ((fault.method ?? method) !== method || !path.startsWith(fault.pathPrefix)) continue;
      if (fault.after > 0) {
        fault.after--;
        continue;
      }
      fault.times--;
      if (fault.times === 0) this.#faults = this.#faults.filter((other) => other !== fault);
      return fault.kind;
    }
    return undefined;
  }
}

/** What a fault does before anything is executed. @throws StripeProblem */
export function strikeBefore(fault: FaultKind | undefined): Silence | undefined {
  if (fault === "drop_before") return "drop";
  if (fault === "hang_before") return "hang";
  if (fault === "error_500_before") throw serverError();
  if (fault === "rate_limit")
    throw tooMany(
      "rate_limit",
      "Request rate limit exceeded. You can learn more at stripe.com/docs/rate-limits.",
    );
  if (fault === "lock_timeout")
    throw tooMany(
      "lock_timeout",
      "This object cannot be accessed right now because another API request or Stripe process is currently accessing it.",
    );
  return undefined;
}

export function silenceAfter(fault: FaultKind | undefined): Silence | undefined {
  if (fault === "drop_after") return "drop";
  return fault === "hang_after" ? "hang" : undefined;
}
