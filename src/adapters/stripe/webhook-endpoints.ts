import { openStripe } from "./stripe-client.ts";

/** Marks the endpoints that this software made by itself. */
const MADE_BY = "tributary";
const TIMEOUT_MS = 5_000;

export interface SimulatorWebhooks {
  /** What may have signed: one secret for the platform's events, one for those of connected accounts. */
  secrets: string[];
  remove(): Promise<void>;
}

/** Has the simulator send every event to this URL, until removed; at Stripe itself, people make endpoints. */
export async function simulatorWebhooks(apiBase: string, url: string): Promise<SimulatorWebhooks> {
  const stripe = openStripe({ secretKey: "sk_test_simulator", apiBase, timeoutMs: TIMEOUT_MS });
  for await (const known of stripe.webhookEndpoints.list({ limit: 100 }))
    if (known.url === url && known.description === MADE_BY) await stripe.webhookEndpoints.del(known.id);
  const made = await Promise.all(
    [true, false].map((connect) =>
      stripe.webhookEndpoints.create({ url, connect, enabled_events: ["*"], description: MADE_BY }),
    ),
  );
  return {
    secrets: made.map(({ secret }) => secret ?? ""),
    remove: async () => {
      await Promise.all(made.map(({ id }) => stripe.webhookEndpoints.del(id)));
    },
  };
}
