export { createApp } from "./app.ts";
export type { AppContext, CloseResult, SettleOperations } from "./context.ts";
export { createFirstOperatorKey } from "./keys/keys.ts";
export { openApiDocument } from "./openapi.ts";
export { OPEN_ROUTES, ROUTES } from "./routes.ts";
export { createWatchingApp, type Health, type Watching } from "./watching.ts";
