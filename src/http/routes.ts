import { keyRoutes } from "./access-routes/keys.ts";
import { webhookEndpointRoutes } from "./access-routes/webhook-endpoints.ts";
import { invoiceRoutes } from "./billing-routes/invoices.ts";
import { stripeWebhookRoutes } from "./billing-routes/stripe-webhooks.ts";
import { catalogRoutes } from "./catalog-routes/catalog.ts";
import { previewRoutes } from "./catalog-routes/preview.ts";
import { explainRoutes } from "./payee-routes/explain.ts";
import { onboardingRoutes } from "./payee-routes/onboarding.ts";
import { payeeRoutes } from "./payee-routes/payees.ts";
import { statementRoutes } from "./payee-routes/statements.ts";
import type { Route } from "./route.ts";
import { fxRateRoutes } from "./settlement-routes/fx-rates.ts";
import { payoutRuleRoutes } from "./settlement-routes/payout-rules.ts";
import { payoutTermsRoutes } from "./settlement-routes/payout-terms.ts";
import { settlementRoutes } from "./settlement-routes/settlements.ts";
import { predictionRoutes } from "./usage-routes/predictions.ts";
import { usageRoutes } from "./usage-routes/usage.ts";

/** Every endpoint of the API, in the order in which a path is looked for. */
export const ROUTES: readonly Route[] = [
  ...usageRoutes,
  ...predictionRoutes,
  // Before /payouts/{id}.
  ...payoutRuleRoutes,
  ...payeeRoutes,
  ...onboardingRoutes,
  ...statementRoutes,
  ...explainRoutes,
  ...catalogRoutes,
  ...previewRoutes,
  ...settlementRoutes,
  ...payoutTermsRoutes,
  ...fxRateRoutes,
  ...invoiceRoutes,
  ...keyRoutes,
  ...webhookEndpointRoutes,
  ...stripeWebhookRoutes,
];
