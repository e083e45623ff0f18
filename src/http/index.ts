export { createApp } from "./app.ts";
export { stripeWebhook } from "./billing-routes/stripe-webhooks.ts";
export type { AppContext, CloseResult, SettleOperations } from "./context.ts";
export { createFirstOperatorKey } from "./keys/keys.ts";
export { LiveFeed } from "./live/live-feed.ts";
export { openApiDocument } from "./openapi.ts";
export { OPEN_ROUTES, ROUTES } from "./routes.ts";
export { createWatchingApp, type Health, type Watching } from "./watching.ts";
