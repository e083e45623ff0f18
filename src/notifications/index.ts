export { deliverDue } from "./deliver.ts";
export { type DeliveryView, listDeliveries, replay } from "./deliveries.ts";
export {
  createEndpoint,
  deleteEndpoint,
  type EndpointOwner,
  enableEndpoint,
  findEndpoint,
  listEndpoints,
  rotateEndpointSecret,
  type WebhookEndpoint,
} from "./endpoints.ts";
export { CUSTOMER_EVENT_TYPES, EVENT_TYPES, type EventType } from "./event-types.ts";
export { type Letter, type Mailer, MailRefused } from "./mail/mailer.ts";
export { type MailSettings, sendDueMail } from "./mail/send-due-mail.ts";
export { layOut, type MailText } from "./mail/words.ts";
