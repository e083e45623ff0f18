/** What is wrong with a body, and where in it. */
export interface ApiErrorField {
  /** "components[0].per". */
  path: string;
  code: string;
  message: string;
}

/** An answer that is no success, or none at all. Its message says what to do. */
export class ApiError extends Error {
  override name = "ApiError";
  /** HTTP's; 0 where there was no answer. */
  readonly status: number;
  /** Stable, such as `payee_unknown`; `unreachable` where there was no answer. */
  readonly code: string;
  /** The first field that is wrong, where it is one. */
  readonly field: string | undefined;
  readonly errors: readonly ApiErrorField[];
  /** Stands in the service's audit log and logs. */
  readonly requestId: string | undefined;
  /** How long the service asks to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(
    said: { status: number; code: string; detail: string; errors?: ApiErrorField[] },
    headers: Headers = new Headers(),
    options?: ErrorOptions,
  ) {
    super(said.detail, options);
    this.status = said.status;
    this.code = said.code;
    this.errors = said.errors ?? [];
    this.field = this.errors[0]?.path;
    this.requestId = headers.get("x-request-id") ?? undefined;
    const seconds = Number(headers.get("retry-after") ?? Number.NaN);
    this.retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
  }

  /** Nothing is wrong with the request: the same again may be answered. */
  get passing(): boolean {
    return [0, 429, 502, 503, 504].includes(this.status) || this.code === "idempotency_key_in_progress";
  }
}

/** The error that an answer tells of: an RFC 9457 problem document, or what a proxy in between said. */
export function errorOf(status: number, headers: Headers, text: string): ApiError {
  try {
    const { code, detail, errors } = JSON.parse(text);
    if (typeof code === "string" && typeof detail === "string")
      return new ApiError({ status, code, detail, errors }, headers);
  } catch {
    // No JSON: below.
  }
  const detail = `the answer was ${status}, and not from Tributary: ${text.slice(0, 200)}`;
  return new ApiError({ status, code: "no_answer", detail }, headers);
}
