import { stripeEventReader } from "../adapters/stripe/stripe-events.ts";
import { createApp } from "../http/index.ts";
import { platformOf } from "./config.ts";
import { startHandlingEvents, WebhookSecrets } from "./provider-events.ts";
import { type Serving, serve } from "./serve.ts";
import type { Tributary } from "./wire.ts";

export { PortTaken } from "./serve.ts";

/** Serves the API, and handles what Stripe tells it, until stopped. */
export async function startApi(tributary: Tributary): Promise<Serving> {
  const { config, sql, catalog, log, provider, settle, logger, afterCatalogChange, watching, dataKeys } =
    tributary;
  watching.start();
  const operatorKey = config.OPERATOR_KEY ?? null;
  const horizonDays = config.IDENTITY_HORIZON_DAYS;
  const secrets = new WebhookSecrets(config.STRIPE_WEBHOOK_SECRET);
  const events = { reader: stripeEventReader(config.STRIPE_SECRET_KEY), secrets: () => secrets.all() };
  const serving = await serve(config, (url) => {
    const publicUrl = config.PUBLIC_URL ?? url;
    return createApp(
      {
        sql,
        catalog,
        log,
        provider,
        events,
        payloads: { sql, keys: dataKeys, retentionDays: config.PAYLOAD_RETENTION_DAYS },
        replicateSecrets: config.REPLICATE_WEBHOOK_SECRET,
        settle,
        logger,
        operatorKey,
        publicUrl,
        afterCatalogChange,
        horizonDays,
        requestsPerMinute: config.RATE_LIMIT_PER_MINUTE ?? null,
        platform: platformOf(config),
        webhookHosts: config.WEBHOOK_ALLOWED_HOSTS,
      },
      watching,
    );
  });
  const stopHandling = startHandlingEvents(tributary);
  const forgetSimulator = await secrets.hearSimulator(tributary, serving.url);
  return {
    url: serving.url,
    async stop() {
      await forgetSimulator();
      await serving.stop();
      await stopHandling();
    },
  };
}
