/** What customers can be told of, as the trigger of drizzle/0021_credits.sql names it. */
export const CUSTOMER_EVENT_TYPES = [
  "customer.spend_limit.soft_reached",
  "customer.spend_limit.hard_reached",
  "customer.credits.exhausted",
] as const;

/** Everything that payees and customers can be told of; payees as the triggers of drizzle/0015_notifications.sql name it. */
export const EVENT_TYPES = [
  "statement.finalized",
  "payout.approved",
  "payout.sent",
  "payout.paid",
  "payout.failed",
  "payout.delayed",
  "payout.waiting",
  "payout.reversed",
  "earning.adjusted",
  "account.action_required",
  "account.changed",
  "price.changed",
  "policy.changed",
  "share.proposed",
  "share.accepted",
  "share.declined",
  "royalty.accepted",
  "model.drift",
  "webhook_endpoint.disabled",
  ...CUSTOMER_EVENT_TYPES,
] as const;
export type EventType = (typeof EVENT_TYPES)[number];
