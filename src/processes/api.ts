import { createApp } from "../http/index.ts";
import { type Serving, serve } from "./serve.ts";
import type { Tributary } from "./wire.ts";

export { PortTaken } from "./serve.ts";

/** Serves the API until stopped. */
export function startApi(tributary: Tributary): Promise<Serving> {
  const { config, sql, catalog, log, provider, settle, logger, afterCatalogChange, watching } = tributary;
  watching.start();
  const operatorKey = config.OPERATOR_KEY ?? null;
  const horizonDays = config.IDENTITY_HORIZON_DAYS;
  const platform = {
    name: config.PLATFORM_NAME,
    addressLines: config.PLATFORM_ADDRESS,
    taxId: config.PLATFORM_TAX_ID ?? null,
  };
  return serve(config, (url) => {
    const publicUrl = config.PUBLIC_URL ?? url;
    return createApp(
      {
        sql,
        catalog,
        log,
        provider,
        settle,
        logger,
        operatorKey,
        publicUrl,
        afterCatalogChange,
        horizonDays,
        requestsPerMinute: config.RATE_LIMIT_PER_MINUTE ?? null,
        platform,
        webhookHosts: config.WEBHOOK_ALLOWED_HOSTS,
      },
      watching,
    );
  });
}
