import type { NextFunction, Request, Response } from "express";
import type { Logger } from "pino";
import { z } from "zod";
import { IdentityProviderFailed } from "../access/index.ts";
import { REFUSALS, Refusal, type RefusalCode } from "../kernel/index.ts";
import { ProviderUnavailable } from "../payouts/index.ts";
import { isUnavailable } from "../postgres/index.ts";

/** RFC 9457. `code` is stable; `detail` says what to do. */
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    errors: z.array(z.object({ path: z.string(), code: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: "Problem" });

export function sendProblem(response: Response, refusal: Refusal): void {
  const status = REFUSALS[refusal.code];
  if ((status === 429 || status === 503) && !response.hasHeader("Retry-After"))
    response.setHeader("Retry-After", "1");
  if (status === 401) response.setHeader("WWW-Authenticate", "Bearer");
  const errors = refusal.fields.length > 0 ? { errors: refusal.fields } : {};
  const problem = {
    type: `urn:tributary:problem:${refusal.code}`,
    title: refusal.code.replaceAll("_", " "),
    status,
    code: refusal.code,
    detail: refusal.message,
    ...errors,
  };
  response.status(status).type("application/problem+json").send(JSON.stringify(problem));
}

/** Express's last handler: every error becomes a problem document; only bugs are logged as errors. */
export function problemHandler(logger: Logger) {
  return (error: unknown, request: Request, response: Response, next: NextFunction): void => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const refusal = toRefusal(error);
    if (refusal.code === "internal_error")
      logger.error(
        { err: error, method: request.method, path: request.path.replace(/^(\/v1\/shared\/).*/, "$1…") },
        "request failed",
      );
    sendProblem(response, refusal);
  };
}

/** A zod error as a refusal that names each field. */
export function invalid(code: RefusalCode, error: z.ZodError, what: string): Refusal {
  const fields = error.issues
    .flatMap(meantIssues)
    .slice(0, 20)
    .map((issue) => ({
      path: pathText(issue.path),
      code: issue.code,
      message: issue.message,
    }));
  const first = fields[0];
  const where = first === undefined || first.path === "" ? what : first.path;
  return new Refusal(code, `${where}: ${first?.message ?? "is not as expected"}`, fields);
}

/**
 * What is wrong with the alternative that seems to be meant, where there are several: the one whose fixed values (`kind`) are right, with
 * the fewest mistakes. Of a fixed value that none has, all that there are.
 */
function meantIssues(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union") return [issue];
  const alternatives = issue.errors.map((issues) => issues.flatMap(meantIssues));
  const wrongValues = (issues: z.core.$ZodIssue[]) => issues.filter(({ code }) => code === "invalid_value");
  const [meant] = alternatives.sort(
    (one, other) => wrongValues(one).length - wrongValues(other).length || one.length - other.length,
  );
  if (meant === undefined) return [issue];
  const [wrong] = wrongValues(meant);
  const same = alternatives.map((issues) =>
    wrongValues(issues).find(({ path }) => wrong !== undefined && pathText(path) === pathText(wrong.path)),
  );
  const values = same.flatMap((found) => (found?.code === "invalid_value" ? found.values : []));
  const mistakes =
    wrong === undefined || same.includes(undefined)
      ? meant
      : [
          {
            ...wrong,
            message: `Invalid option: expected one of ${[...new Set(values.map(String))].join(", ")}`,
          },
        ];
  return mistakes.map((each) => ({ ...each, path: [...issue.path, ...each.path] }));
}

function pathText(path: PropertyKey[]): string {
  return path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
}

function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof ProviderUnavailable) {
    return new Refusal("stripe_unavailable", `Stripe could not be asked (${error.message}): try again`);
  }
  if (error instanceof IdentityProviderFailed) {
    return new Refusal(
      "identity_provider_failed",
      `the identity provider did not do (${error.message}): begin again`,
    );
  }
  // Errors of Express and its body parser carry a status and a type.
  const { type, status } = (typeof error === "object" && error !== null ? error : {}) as Record<
    string,
    unknown
  >;
  if (type === "entity.too.large")
    return new Refusal("body_too_large", "the body is larger than this endpoint takes: send less at once");
  if (type === "encoding.unsupported" || type === "charset.unsupported") {
    return new Refusal(
      "media_type_not_supported",
      "this encoding is not supported: send UTF-8, plain or gzip",
    );
  }
  if (typeof type === "string" && status === 400)
    return new Refusal("body_not_json", "the body could not be read as JSON");
  if (status === 400) return new Refusal("parameter_invalid", "the path could not be decoded");
  if (isUnavailable(error))
    return new Refusal("database_unavailable", "the database cannot be reached now: try again");
  return new Refusal("internal_error", "something went wrong on our side; nothing is half done: try again");
}
