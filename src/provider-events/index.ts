export { handleDueEvents } from "./handle-events.ts";
export { payoutEventHandlers } from "./payout-events.ts";
export type {
  EventHandler,
  EventHandlers,
  EventOutcome,
  ProviderEvent,
  ProviderEventReader,
} from "./provider-event.ts";
export { type KeptBankPayout, type KeptEvent, listBankPayouts, listEvents } from "./queries.ts";
export { replayEvent, storeEvent } from "./store-event.ts";
