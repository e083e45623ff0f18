/** Everything that payees can be told of, as the triggers of drizzle/0015_notifications.sql name it. */
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
  "price.changed",
  "policy.changed",
  "share.proposed",
  "share.accepted",
  "share.declined",
  "webhook_endpoint.disabled",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];
