export { deliverDue } from "./deliver.ts";
export { type DeliveryView, listDeliveries, replay } from "./deliveries.ts";
export {
  createEndpoint,
  deleteEndpoint,
  enableEndpoint,
  listEndpoints,
  rotateEndpointSecret,
  type WebhookEndpoint,
} from "./endpoints.ts";
export { EVENT_TYPES, type EventType } from "./event-types.ts";
