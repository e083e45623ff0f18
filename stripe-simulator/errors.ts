/** What a request is answered with. */
export interface Outcome {
  status: number;
  body: unknown;
  headers: Record<string, string>;
}

/** An error as Stripe's API answers it. */
export class StripeProblem extends Error {
  readonly status: number;
  readonly type: string;
  readonly code: string | undefined;
  readonly param: string | undefined;
  /** Errors of execution are replayed for as long as the key lives; refusals before execution are not kept. */
  readonly stored: boolean;

  constructor(
    status: number,
    type: string,
    code: string | undefined,
    message: string,
    more: { param?: string | undefined; stored?: boolean } = {},
  ) {
    super(message);
    this.status = status;
    this.type = type;
    this.code = code;
    this.param = more.param;
    this.stored = more.stored ?? false;
  }

  outcome(requestId: string): Outcome {
    const { status, type, code, message, param } = this;
    const documented =
      code === undefined
        ? {}
        : { code, doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll("_", "-")}` };
    const request_log_url = `https://dashboard.stripe.com/test/logs/${requestId}`;
    const error = {
      type,
      ...documented,
      message,
      ...(param === undefined ? {} : { param }),
      request_log_url,
    };
    return { status, body: { error }, headers: retryAdvice(status, code) };
  }
}

/** Stripe asks to retry conflicts, and not to retry what its idempotency layer would only replay. */
export function retryAdvice(status: number, code?: string): Record<string, string> {
  if (status >= 500) return { "Stripe-Should-Retry": "false" };
  if (code === "rate_limit") return { "Stripe-Rate-Limited-Reason": "global-rate" };
  return status === 409 || code === "lock_timeout" ? { "Stripe-Should-Retry": "true" } : {};
}

/** A parameter is wrong: nothing was executed, and an idempotency key stays free. */
export function invalidRequest(code: string | undefined, message: string, param?: string): StripeProblem {
  return new StripeProblem(400, "invalid_request_error", code, message, { param });
}

/** Refused while executing: this answer is kept under the idempotency key, as Stripe keeps it. */
export function refused(
  code: string | undefined,
  message: string,
  param?: string,
  status = 400,
): StripeProblem {
  return new StripeProblem(status, "invalid_request_error", code, message, { stored: true, param });
}

/** The object that the path names does not exist. */
export function missing(kind: string, id: string): StripeProblem {
  return refused("resource_missing", `No such ${kind}: '${id}'`, "id", 404);
}

export function unauthorized(message: string): StripeProblem {
  return new StripeProblem(401, "invalid_request_error", undefined, message);
}

export function tooMany(code: string, message: string): StripeProblem {
  return new StripeProblem(429, "invalid_request_error", code, message);
}

export function serverError(): StripeProblem {
  return new StripeProblem(500, "api_error", undefined, "An unknown error occurred");
}
