export { createApp, ROUTES } from "./app.ts";
export type { AppContext, CloseResult, SettleOperations } from "./context.ts";
export { openApiDocument } from "./openapi.ts";
export { createFirstOperatorKey } from "./principal.ts";
export { createWatchingApp, type Health, type Watching } from "./watching.ts";
