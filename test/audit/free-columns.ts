const LABEL = "a name for people; nothing is computed from it";
const WHEN = "when it was noted; nothing is computed from it";
const WHO = "who did it, as they said; there is nothing below it";
const TERMS = "may change at any time and keeps no past; what a plan took from it stands in the plan";
const LIMIT = "a limit that people set; it may change at any time and keeps no past";
const NAMED = "a name that the provider gave; what it stands for is on the provider's record alone";
const MARK = "a bookmark: set back it costs time, set too far it shows in what was left out";

const PAYLOAD = "what came with predictions; encrypted and authenticated, and no figure follows from it";
const TOLD = "what was told of facts; they are checked where they are kept";

/** Tables in which a change is nobody's loss, and why. */
export const FREE_TABLES: Record<string, string> = {
  bank_payout:
    "what the provider last said of payouts that are not ours; asked anew, and compared by reconcile",
  provider_event:
    "what the provider told; it is never believed, and what it led to is checked where it is kept",
  api_key: "who may call; no figure follows from it",
  app_user: "who may sign in; no figure follows from it",
  login_link: "a way in; no figure follows from it",
  mail: TOLD,
  oidc_attempt: "a browser on its way to the identity provider; no figure follows from it",
  idempotent_request: "answers that are given again; the facts they tell of are checked where they are kept",
  drift_rule: "from when on owners want to be told; no figure follows from it",
  drift_state: TOLD,
  block_latency:
    "how long predictions took, made from the events and approximate by design; no figure of money follows from it",
  latency_sketch:
    "how long predictions took, made from the events and approximate by design; no figure of money follows from it",
  log_gap: "what a worker saw missing from the log; a cursor moves only by what people said of it",
  log_loss:
    "what people said of records that are gone; no figure follows from it, and the database refuses changes",
  session: "who is signed in; no figure follows from it",
  payee_freeze: "a brake that people pull; it decides what is paid next, and what was paid stands elsewhere",
  payee_legal: "who a payee says it is; it stands on statements as PDF, and no figure follows from it",
  payee_name: "who a payee says it is; it stands on statements as PDF, and no figure follows from it",
  payload_erasure: "that a customer's data was erased; no figure follows from it",
  payload_key: PAYLOAD,
  payload_ref: PAYLOAD,
  payload_rewrite: PAYLOAD,
  payload_rule: "how long payloads are kept; no figure follows from it",
  payout_minimum: TERMS,
  payout_terms: TERMS,
  tax_form: TERMS,
  tax_form_rule: TERMS,
  plan_withdrawal: "a plan that was never approved; nothing was paid by it",
  payout_stop: "a brake that people pull; it decides what is paid next, and what was paid stands elsewhere",
  payout_account: "what the provider last said; asked anew for each plan",
  webhook_attempt: TOLD,
  webhook_delivery: TOLD,
  webhook_endpoint: "where a payee wants to be told; no figure follows from it",
  webhook_message: TOLD,
  prediction_feedback: "what people think of predictions; no figure of money follows from it",
  prediction_payload: PAYLOAD,
  prediction_share: "public links to predictions; no figure follows from them",
  version_schema: "what inputs look like; no figure follows from it",
  spend_crossing: TOLD,
  self_dealing_rule: "nothing reads it yet: the rule is always that the platform takes the part",
};

/** Columns under which there is nothing and from which nothing is computed, and why. */
export const FREE_COLUMNS: Record<string, string> = {
  "adjustment.reference": "another name for it; it only keeps the same one from being booked twice",
  "correction.approved_at": WHEN,
  "correction.approved_by": WHO,
  "correction.draft_hash":
    "only asked for when it is approved; what is booked is proved by its cells, parts and movements",
  "correction.limit_nanos": "the setting of that time; nothing is computed from it",
  "correction.proposed_at": WHEN,
  "correction.withdrawn_at": WHEN,
  "correction.withdrawn_by": WHO,
  "correction.withdrawn_reason": LABEL,
  "dispute.decided_at": WHEN,
  "dispute.opened_at": WHEN,
  "refund_policy.set_at": WHEN,
  "refund_policy.set_by": WHO,
  "catalog_state.version": "tells that something changed; a wrong one makes a change be planned once more",
  "chain_state.complete_until_xid": MARK,
  "customer.created_at": WHEN,
  "customer.name": LABEL,
  "billing_customer.provider_id": NAMED,
  "billing_customer.started_at": WHEN,
  "fx_rate.set_at": WHEN,
  "fx_rate.set_by": WHO,
  "refund_push.provider_id": NAMED,
  "refund_push.reason": "told to people",
  "refund_push.updated_at": WHEN,
  "refund_push_attempt.detail": "told to people",
  "refund_push_attempt.ended_at": WHEN,
  "refund_push_attempt.missing_since": WHEN,
  "reserve.released_at": WHEN,
  "reserve_rule.set_at": WHEN,
  "reserve_rule.set_by": WHO,
  "credit_expiry.expired_at": WHEN,
  "credit_grant.expires_at":
    "its order of use, and from when on it may end; what was used and what ended is booked",
  "credit_grant.granted_at": WHEN,
  "credit_grant.granted_by": WHO,
  "credit_grant.priority": "its order of use; what was used is booked",
  "credit_grant.reason": LABEL,
  "credit_grant.reference": "the payer's name for the money; the bank's record has it",
  "dead_letter.created_at": WHEN,
  "dead_letter.message": "told to people, and worded anew by later versions",
  "dead_letter.replayed_at": "sent through the log again or not: twice it is a duplicate",
  "identity_floor.occurred_from": "infinite here; changed below",
  "payment_push.started_at": WHEN,
  "payment_push.updated_at": WHEN,
  "payment_push.provider_id": NAMED,
  "payment_push.reason": "told to people",
  "invoice_push.provider_id": NAMED,
  "invoice_push.reason": "told to people",
  "invoice_push.updated_at": WHEN,
  "invoice_push_attempt.detail": "told to people",
  "invoice_push_attempt.ended_at": WHEN,
  "invoice_push_attempt.missing_since": WHEN,
  "invoice_run.made_at": WHEN,
  "invoice_run.made_by": WHO,
  "invoice_payment.recorded_by": WHO,
  "invoice_release.released_at": WHEN,
  "netting_rule.set_at": WHEN,
  "netting_rule.set_by": WHO,
  "metering_cursor.epoch": "fences who held the partition before; every claim raises it",
  "metering_cursor.updated_at": WHEN,
  "model.created_at": WHEN,
  "parked_event.parked_at": WHEN,
  "parked_event.reason": "told to people; asked anew whenever the catalogue changes",
  "payee.country": TERMS,
  "payee.created_at": "only says who gets an empty statement",
  "payee.default_currency": TERMS,
  "payee.minimum_payout_nanos": TERMS,
  "payee.name": LABEL,
  "payee_account.changed": "whether it was told and warned of; the plan that was approved has its warnings",
  "payee_account.set_at": WHEN,
  "payee_account.set_by": WHO,
  "payout.created_at": WHEN,
  "payout.reason": "told to people",
  "payout.updated_at": WHEN,
  "payout_attempt.detail": "told to people",
  "payout_attempt.ended_at": WHEN,
  "payout_attempt.missing_since": WHEN,
  "payout_reversal.booked_at": WHEN,
  "price_version.created_at": WHEN,
  "reconciliation.ran_at": WHEN,
  "release_rule.set_at": WHEN,
  "release_rule.set_by": WHO,
  "revenue_policy.created_at": WHEN,
  "seal.sealed_at": "later it only makes a balance read more entries; earlier is tried below",
  "share_proposal.created_at": WHEN,
  "share_proposal.decided_at": WHEN,
  "share_proposal.reason": "told to people",
  "share_proposal_party.answered_at": WHEN,
  "share_proposal_party.answered_by": WHO,
  "settlement.approved_at": WHEN,
  "settlement.approved_by": WHO,
  "settlement.confirmed": WHO,
  "settlement.planned_by": WHO,
  "settlement.two_person": WHO,
  "spend_account.hard_nanos": LIMIT,
  "spend_account.limit_no": LIMIT,
  "spend_account.limits_from": LIMIT,
  "spend_account.period": LIMIT,
  "spend_account.prepaid": LIMIT,
  "spend_account.since_block": MARK,
  "spend_account.soft_nanos": LIMIT,
  "spend_reservation.ended_at": WHEN,
  "spend_reservation.expires_at": "until when it is held for; nothing is computed from it",
  "spend_reservation.source": "whose key may release it; its identity has it too",
  "term_window.shard": "which partition wrote it; windows are sums over them",
  "term_window_meter.shard": "which partition wrote it; windows are sums over them",
  "usage_block.accrued": MARK,
  "usage_block.booked_in":
    "tells a process that keeps figures in mind which blocks are new to it; who asks for the first time reads without it",
  "usage_block.counted": MARK,
  "usage_block.group_hardware": "what events were said to have run on; nothing is charged for it",
  "usage_block.hardware": "what events were said to have run on; nothing is charged for it",
  "usage_block.sketched": MARK,
  "usage_log_record.appended_at": "only said whether an event was too far ahead or too old",
};

/** Tables whose rows may be missing without a loss, and why. */
export const NO_DELETE: Record<string, string> = {
  reconciliation: "what was found when; the next run finds it again",
  royalty_registration:
    "which policy came of an acceptance; both are checked, and are noted anew with the next registration",
  royalty_terms_end:
    "who ended what the audit log has, which is chained; what was accepted and paid does not depend on it",
};

/** Which row is changed, where the first one is not telling. */
export const ROW_OF: Record<string, string> = {
  "customer_version.effective_from": "effective_from > '2023-01-01'",
  // The payment that made it paid in full.
  "invoice_payment.paid_at": "reference = 'bank-' || invoice_id AND invoice_id LIKE 'inv_2023-09%'",
  metered_extent: "segment_from < '2023-01-01'",
  noted_extent: "note_no = (SELECT max(note_no) FROM noted_extent)",
  // The beginning of a log may be gone: that is what retention does.
  usage_log_record: `"offset" = 1`,
  spend_reservation: "outcome IS NULL",
  "spend_reservation.identity": "outcome = 'settled'",
  "spend_reservation.outcome": "outcome = 'settled'",
  usage_block: "block_no = (SELECT min(block_no) FROM usage_block WHERE first_period = '2023-09-01')",
  usage_term: "booked_period = '2023-09-01'",
  // The month in which earnings were held, and payouts made.
  invoice_payment: "invoice_id LIKE 'inv_2023-09%'",
  settlement: "period = '2023-09-01'",
};

/** What a column is changed to, where one more would not be telling. */
export const CHANGED_TO: Record<string, string> = {
  "model_lineage.base_model_no": "(SELECT model_no FROM model WHERE id = 'mia/own')",
  "parked_event.event": `jsonb_set(event, '{q,frames}', '"9"')`,
  "price_component.amount": "'99'",
  "price_component.per": "'10'",
  "revenue_policy.steps": `jsonb_set(steps, '{0,percent}', '"21"')`,
  "usage_block.events": `regexp_replace(events, '"it":\\[(\\d+)', '"it":[9\\1')`,
};

/** What a difference calls a table, where it is not its name. */
export const SHOWN_AS: Record<string, RegExp> = {
  account_balance: /^account /,
  accrual_part: /accrual.part|booked \[/,
  adjustment: /adjustment/,
  adjustment_cell: /adjustment.*cell/,
  adjustment_held: /adjustment entry|held share/,
  adjustment_movement: /adjustment entry/,
  books_state: /books_state|payout attempt/,
  chain_link: /^link \d/,
  credit_grant: /credit/,
  customer_version: /customer|in force were/,
  identity_floor: /identity_floor|identity /,
  noted_extent: /metered extent/,
  invoice_push_attempt: /invoice push/,
  invoice_payment: /invoice payment|invoice release/,
  journal_entry: /entry|entries/,
  ledger_account: /account|touches|accruals of/,
  model: /model|split.segment|content is not/,
  model_lineage: /split.segment|owns/,
  model_version: /event \d+/,
  parked_event: /parked|^identity/,
  model_hardware: /hardware window|model hardware/,
  payout_attempt: /attempt/,
  payout_reversal: /reversal/,
  posting: /entry|entries/,
  permitted_flow: /entries of kind/,
  price_component: /price|accrual.line|rate.segment/,
  price_version: /price|rate.segment/,
  reattribution: /reattribution|adjustment part/,
  refund_policy: /adjustment part/,
  refund_push_attempt: /refund push/,
  release_rule: /release/,
  reserve_rule: /^reserve of/,
  fx_rate: /conversion/,
  revenue_policy: /split.segment/,
  self_dealing_plan: /self-dealing plan/,
  settlement: /settlement|plan of/,
  seal: /seal|balance snapshot/,
  spend_reservation: /spend (account|reservation)/,
  split_plan: /plan/,
  usage_block: /block|metering cursor|event /,
  usage_identity: /identity/,
  usage_log_record: /usage log/,
  usage_source: /identity/,
  usage_term: /usage term|event \d+/,
};

const SENT = "(SELECT entry_no FROM journal_entry WHERE kind = 'release' ORDER BY entry_no LIMIT 1)";

/** Changes that keep a constraint, or that fit together in several places. */
export const MORE: Record<string, Record<string, string>> = {
  account_balance: {
    "the last entry is gone, with its link and postings": `
      WITH gone AS (DELETE FROM chain_link WHERE chain_no = (SELECT max(chain_no) FROM chain_link) RETURNING entry_no),
      moved AS (DELETE FROM posting USING gone WHERE posting.entry_no = gone.entry_no)
      DELETE FROM journal_entry USING gone WHERE journal_entry.entry_no = gone.entry_no`,
  },
  identity_floor: {
    "the floor is raised": "UPDATE identity_floor SET occurred_from = now() + interval '1 hour'",
  },
  metering_cursor: {
    "one more applied":
      "UPDATE metering_cursor SET applied = applied + 1, consumed = consumed + 1 WHERE partition = 1",
    "one more duplicate":
      "UPDATE metering_cursor SET duplicate = duplicate + 1, consumed = consumed + 1 WHERE partition = 1",
    "one more dead": "UPDATE metering_cursor SET dead = dead + 1, applied = applied - 1 WHERE partition = 1",
  },
  posting: {
    "an entry is doubled, and the balances with it": `
      WITH doubled AS (UPDATE posting SET amount_nanos = amount_nanos * 2 WHERE entry_no = ${SENT} RETURNING account_no, amount_nanos / 2 AS more)
      UPDATE account_balance b SET balance_nanos = balance_nanos + more FROM doubled WHERE b.account_no = doubled.account_no`,
  },
  price_component: {
    "amount and price of a unit":
      "UPDATE price_component SET amount = '7.4', unit_amount = 0.0074 WHERE amount = '3.7'",
  },
  reserve: {
    "let go twice": "UPDATE reserve SET released_at = NULL WHERE released_at IS NOT NULL",
    "let go before it is due":
      "UPDATE reserve SET released_at = due_at - interval '1 hour' WHERE released_at IS NOT NULL",
    "let go, and nothing booked": "UPDATE reserve SET released_at = due_at WHERE released_at IS NULL",
  },
  seal: { "sealed before its entries": "UPDATE seal SET sealed_at = sealed_at - interval '1 day'" },
  statement: {
    "opening and closing":
      "UPDATE statement SET opening_nanos = opening_nanos + 1, closing_nanos = closing_nanos + 1",
    "earned and closing":
      "UPDATE statement SET earned_nanos = earned_nanos + 1, closing_nanos = closing_nanos + 1",
  },
};
