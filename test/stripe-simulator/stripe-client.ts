import Stripe from "stripe";
import { onTestFinished } from "vitest";
import { startStripeSimulator, type TestSimulator } from "../support/stripe-simulator.ts";

/** A simulator of the test's own, and the official SDK pointed at it; both end with the test. */
export async function openSimulator(options: { statePath?: string; port?: number } = {}) {
  const simulator = await startStripeSimulator(options);
  onTestFinished(() => simulator.kill("SIGKILL"));
  return {
    simulator,
    stripe: stripeClient(simulator),
    newAccount: () => newAccount(stripeClient(simulator)),
  };
}

export function stripeClient(
  { port }: Pick<TestSimulator, "port">,
  options: { key?: string; timeoutMs?: number } = {},
) {
  return new Stripe(options.key ?? "sk_test_simulator", {
    host: "127.0.0.1",
    port,
    protocol: "http",
    maxNetworkRetries: 0,
    timeout: options.timeoutMs ?? 30_000,
    telemetry: false,
  });
}

/** An account that can receive transfers. */
export async function newAccount(stripe: Stripe, metadata: Record<string, string> = {}): Promise<string> {
  const account = await stripe.accounts.create({
    country: "US",
    capabilities: { transfers: { requested: true } },
    metadata,
  });
  return account.id;
}

export async function transferCount(simulator: TestSimulator): Promise<number> {
  return Number((await simulator.control("GET", "/state")).transfer);
}
