import type { IdentityProvider } from "../access/index.ts";
import { openIdProvider } from "../adapters/oidc/openid-provider.ts";
import { stripeEventReader } from "../adapters/stripe/stripe-events.ts";
import { createApp, LiveFeed } from "../http/index.ts";
import { type Config, platformOf } from "./config.ts";
import { startTalkingToStripe, WebhookSecrets } from "./provider-events.ts";
import { startReadingAhead } from "./schedule/read-ahead.ts";
import { type Serving, serve } from "./serve.ts";
import type { Tributary } from "./wire.ts";

export { PortTaken } from "./serve.ts";

/** Serves the API, and handles what Stripe tells it, until stopped. */
export async function startApi(tributary: Tributary): Promise<Serving> {
  const {
    config,
    sql,
    readers,
    authorizing,
    catalog,
    log,
    provider,
    settle,
    logger,
    afterCatalogChange,
    watching,
    dataKeys,
  } = tributary;
  watching.start();
  const operatorKey = config.OPERATOR_KEY ?? null;
  const horizonDays = config.IDENTITY_HORIZON_DAYS;
  const secrets = new WebhookSecrets(config.STRIPE_WEBHOOK_SECRET);
  const events = { reader: stripeEventReader(config.STRIPE_SECRET_KEY), secrets: () => secrets.all() };
  const live = new LiveFeed(sql, readers, log);
  const serving = await serve(config, (url) => {
    const publicUrl = config.PUBLIC_URL ?? url;
    return createApp(
      {
        sql,
        readers,
        authorizing,
        catalog,
        log,
        provider,
        events,
        payloads: { sql, keys: dataKeys, retentionDays: config.PAYLOAD_RETENTION_DAYS },
        replicateSecrets: config.REPLICATE_WEBHOOK_SECRET,
        settle,
        logger,
        live,
        operatorKey,
        publicUrl,
        afterCatalogChange,
        horizonDays,
        proxyHops: config.PROXY_HOPS,
        requestsPerMinute: config.RATE_LIMIT_PER_MINUTE ?? null,
        platform: platformOf(config),
        identity: identityOf(config),
        correctionLimits: config.CORRECTION_APPROVAL_LIMITS,
        webhookHosts: config.WEBHOOK_ALLOWED_HOSTS,
      },
      watching,
    );
  });
  const stopHandling = startTalkingToStripe(tributary);
  const forgetSimulator = await secrets.hearSimulator(tributary, serving.url);
  const readingAhead = startReadingAhead(tributary);
  return {
    url: serving.url,
    async stop() {
      await forgetSimulator();
      live.close();
      readingAhead.stop();
      await serving.stop();
      await stopHandling();
    },
  };
}

function identityOf({ OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET }: Config): IdentityProvider | null {
  if (OIDC_ISSUER === undefined || OIDC_CLIENT_ID === undefined) return null;
  return openIdProvider({ issuer: OIDC_ISSUER, clientId: OIDC_CLIENT_ID, clientSecret: OIDC_CLIENT_SECRET });
}
