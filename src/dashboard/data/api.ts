import type { operations, schemas } from "../../../dist/api/api-types.ts";

export type Operation = keyof operations;
export type Answer<O extends Operation> = operations[O]["answer"];
export type Schema<Name extends keyof schemas> = schemas[Name];
export type Money = schemas["Money"];

type Path<O extends Operation> = operations[O]["path"];
type Query<O extends Operation> = operations[O]["query"];
type Body<O extends Operation> = operations[O]["body"];

/** What an operation takes: its path's parameters when it has any, and a body when it must have one. */
export type Input<O extends Operation> = (keyof Path<O> extends never
  ? { path?: undefined }
  : { path: Path<O> }) & {
  query?: { [Name in keyof Query<O>]?: Query<O>[Name] | undefined };
} & (undefined extends Body<O> ? { body?: Body<O> } : { body: Body<O> });

/** A problem document (RFC 9457): `detail` says what to do. */
export class Problem extends Error {
  override name = "Problem";
  readonly status: number;
  readonly code: string;
  readonly errors: { path: string; message: string }[];

  constructor(
    status: number,
    code: string,
    detail: string,
    errors: { path: string; message: string }[] = [],
  ) {
    super(detail);
    this.status = status;
    this.code = code;
    this.errors = errors;
  }
}

/** Calls an operation of the API, in the types of its OpenAPI document. @throws Problem */
export async function call<O extends Operation>(operation: O, input: Input<O>): Promise<Answer<O>> {
  const response = await send(operation, input, "application/json");
  return response.status === 204 ? null : ((await response.json()) as Answer<O>);
}

/** Fetches an answer as a file, in the type that is asked for, and hands it to the browser to save. @throws Problem */
export async function download<O extends Operation>(
  operation: O,
  input: Input<O>,
  type: string,
): Promise<void> {
  const response = await send(operation, input, type);
  const name = /filename="?([^"]+)"?/.exec(response.headers.get("content-disposition") ?? "")?.[1];
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name ?? "download";
  link.click();
  URL.revokeObjectURL(url);
}

/** The request itself; a streamed answer is read by the caller. @throws Problem */
export async function send<O extends Operation>(
  operation: O,
  input: Input<O>,
  accept: string,
  signal?: AbortSignal,
): Promise<Response> {
  const [method = "get", template = ""] = operation.split(" ");
  const headers: Record<string, string> = { Accept: accept };
  if (input.body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(addressOf(template, input), {
    method: method.toUpperCase(),
    headers,
    credentials: "same-origin",
    ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "unreachable", "Tributary cannot be reached: check the connection, then try again.");
  });
  if (!response.ok) throw await problemOf(response);
  return response;
}

function addressOf(template: string, input: { path?: unknown; query?: unknown }): string {
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String((input.path as Record<string, unknown> | undefined)?.[name] ?? "")),
  );
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(input.query ?? {}))
    if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
  return query.size > 0 ? `${path}?${query}` : path;
}

async function problemOf(response: Response): Promise<Problem> {
  const document = await response.json().catch(() => undefined);
  if (typeof document?.detail !== "string")
    return new Problem(response.status, "no_answer", `Tributary answered ${response.status}: try again.`);
  return new Problem(response.status, document.code, document.detail, document.errors);
}
