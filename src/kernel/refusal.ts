/**
 * Why a request is refused: the closed list of stable codes that callers may rely on, each with its HTTP status.
 * A refusal leaves everything as it was.
 */
export const REFUSALS = {
  body_not_json: 400,
  body_invalid: 400,
  parameter_invalid: 400,
  event_invalid: 400,
  signature_invalid: 400,
  unauthenticated: 401,
  login_token_invalid: 401,
  no_such_user: 403,
  role_not_allowed: 403,
  scope_not_allowed: 403,
  origin_not_allowed: 403,
  duty_not_allowed: 403,
  not_found: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  effective_from_in_metered_past: 409,
  version_exists: 409,
  identity_ambiguous: 409,
  idempotency_key_reused: 409,
  idempotency_key_in_progress: 409,
  catalog_busy: 409,
  conflict_needs_decision: 409,
  already_replayed: 409,
  period_not_over: 409,
  earlier_period_open: 409,
  period_not_closed: 409,
  period_closed: 409,
  plan_missing: 409,
  plan_changed: 409,
  plan_needs_confirmation: 409,
  plan_outdated: 409,
  not_approved: 409,
  approver_made_plan: 409,
  approver_set_account: 409,
  stripe_account_taken: 409,
  onboarding_complete: 409,
  metering_behind: 409,
  log_loss_changed: 409,
  settlement_running: 409,
  reversal_not_bookable: 409,
  key_not_rotatable: 409,
  user_exists: 409,
  proposal_closed: 409,
  royalty_terms_not_accepted: 409,
  royalty_terms_replaced: 409,
  royalty_terms_accepted: 409,
  royalty_terms_ended: 409,
  model_registered: 409,
  too_many_endpoints: 409,
  endpoint_disabled: 409,
  earlier_invoices_missing: 409,
  invoices_not_made: 409,
  invoices_running: 409,
  payment_differs: 409,
  payment_too_large: 409,
  legal_hold: 409,
  credit_differs: 409,
  nothing_to_revoke: 409,
  adjustment_differs: 409,
  refund_too_large: 409,
  nothing_to_refund: 409,
  nothing_to_correct: 409,
  already_returned: 409,
  refund_under_way: 409,
  refund_made: 409,
  dispute_decided: 409,
  correction_booked: 409,
  earnings_held: 409,
  correction_needs_approval: 409,
  write_off_too_large: 409,
  body_too_large: 413,
  media_type_not_supported: 415,
  payee_unknown: 422,
  customer_unknown: 422,
  model_unknown: 422,
  lineage_invalid: 422,
  policy_invalid: 422,
  price_invalid: 422,
  price_missing: 422,
  currency_differs: 422,
  stripe_account_invalid: 422,
  webhook_url_invalid: 422,
  too_many_requests: 429,
  internal_error: 500,
  stripe_unavailable: 502,
  identity_provider_failed: 502,
  log_unavailable: 503,
  database_unavailable: 503,
} as const;

export type RefusalCode = keyof typeof REFUSALS;

export interface FieldError {
  /** Where in the body: "prices[3].components[0].per". */
  path: string;
  code: string;
  message: string;
}

/** A request that cannot be granted, with what the caller can do about it. Not a bug: nothing to page anyone for. */
export class Refusal extends Error {
  override name = "Refusal";
  readonly code: RefusalCode;
  readonly fields: FieldError[];

  constructor(code: RefusalCode, message: string, fields: FieldError[] = []) {
    super(message);
    this.code = code;
    this.fields = fields;
  }
}

/** A field of a body that its schema alone could not refuse. */
export function invalidField(path: string, message: string): Refusal {
  return new Refusal("body_invalid", `${path}: ${message}`, [{ path, code: "custom", message }]);
}
