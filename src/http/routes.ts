import { auditRoutes } from "./access-routes/audit-log.ts";
import { keyRoutes } from "./access-routes/keys.ts";
import { loginRoutes } from "./access-routes/login.ts";
import { openSessionRoutes, sessionRoutes } from "./access-routes/sessions.ts";
import { userRoutes } from "./access-routes/users.ts";
import { webhookEndpointRoutes } from "./access-routes/webhook-endpoints.ts";
import { authorizeRoutes } from "./billing-routes/authorize.ts";
import { correctionRoutes } from "./billing-routes/corrections.ts";
import { creditRoutes } from "./billing-routes/credits.ts";
import { disputeRoutes } from "./billing-routes/disputes.ts";
import { invoiceRoutes } from "./billing-routes/invoices.ts";
import { nettingRoutes } from "./billing-routes/netting.ts";
import { refundRoutes } from "./billing-routes/refunds.ts";
import { spendRoutes } from "./billing-routes/spend.ts";
import { stripeWebhookRoutes } from "./billing-routes/stripe-webhooks.ts";
import { browseRoutes } from "./catalog-routes/browse.ts";
import { catalogRoutes } from "./catalog-routes/catalog.ts";
import { previewRoutes } from "./catalog-routes/preview.ts";
import { royaltyTermsRoutes } from "./catalog-routes/royalty-terms.ts";
import { shareProposalRoutes } from "./catalog-routes/share-proposals.ts";
import { liveRoutes } from "./live/live-route.ts";
import type { OpenRoute } from "./open-route.ts";
import { explainRoutes } from "./payee-routes/explain.ts";
import { legalRoutes } from "./payee-routes/legal-details.ts";
import { onboardingRoutes } from "./payee-routes/onboarding.ts";
import { payeeRoutes } from "./payee-routes/payees.ts";
import { seriesRoutes } from "./payee-routes/series.ts";
import { statementRoutes } from "./payee-routes/statements.ts";
import { customerInsightRoutes } from "./prediction-routes/customer-insight.ts";
import { driftRoutes } from "./prediction-routes/drift.ts";
import { exportRoutes } from "./prediction-routes/export.ts";
import { feedbackRoutes } from "./prediction-routes/feedback.ts";
import { insightRoutes } from "./prediction-routes/insight.ts";
import { predictionListRoutes } from "./prediction-routes/list.ts";
import { retentionRoutes } from "./prediction-routes/retention.ts";
import { sharedRoutes, shareRoutes } from "./prediction-routes/shares.ts";
import type { Route } from "./route.ts";
import { fxRateRoutes } from "./settlement-routes/fx-rates.ts";
import { oversightRoutes } from "./settlement-routes/oversight.ts";
import { payoutRuleRoutes } from "./settlement-routes/payout-rules.ts";
import { payoutTermsRoutes } from "./settlement-routes/payout-terms.ts";
import { settlementRoutes } from "./settlement-routes/settlements.ts";
import { chainRoutes } from "./usage-routes/chains.ts";
import { logLossRoutes } from "./usage-routes/log-loss.ts";
import { predictionRoutes } from "./usage-routes/predictions.ts";
import { usageRoutes } from "./usage-routes/usage.ts";

/** Every endpoint of the API, in the order in which a path is looked for. */
export const ROUTES: readonly Route[] = [
  ...usageRoutes,
  ...logLossRoutes,
  ...predictionListRoutes,
  ...predictionRoutes,
  ...shareRoutes,
  ...feedbackRoutes,
  ...retentionRoutes,
  ...insightRoutes,
  ...customerInsightRoutes,
  ...driftRoutes,
  ...exportRoutes,
  ...chainRoutes,
  // Before /payouts/{id}.
  ...payoutRuleRoutes,
  ...payeeRoutes,
  ...onboardingRoutes,
  ...legalRoutes,
  ...statementRoutes,
  ...explainRoutes,
  ...seriesRoutes,
  ...catalogRoutes,
  ...browseRoutes,
  ...previewRoutes,
  ...shareProposalRoutes,
  ...royaltyTermsRoutes,
  ...settlementRoutes,
  ...payoutTermsRoutes,
  ...fxRateRoutes,
  ...oversightRoutes,
  ...invoiceRoutes,
  ...creditRoutes,
  ...spendRoutes,
  ...authorizeRoutes,
  ...refundRoutes,
  ...disputeRoutes,
  ...correctionRoutes,
  ...nettingRoutes,
  ...keyRoutes,
  ...sessionRoutes,
  ...userRoutes,
  ...auditRoutes,
  ...webhookEndpointRoutes,
  ...stripeWebhookRoutes,
  ...liveRoutes,
];

/** Those that take no key. */
export const OPEN_ROUTES: readonly OpenRoute[] = [...openSessionRoutes, ...loginRoutes, ...sharedRoutes];
