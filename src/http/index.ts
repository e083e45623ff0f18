export { createApp, ROUTES } from "./app.ts";
export type { AppContext, CloseResult, SettleOperations } from "./context.ts";
export { createFirstOperatorKey } from "./keys/keys.ts";
export { openApiDocument } from "./openapi.ts";
export { createWatchingApp, type Health, type Watching } from "./watching.ts";
