import type { IncomingMessage, ServerResponse } from "node:http";
import { metricsOfOpenAiUsage, OpenAiAnswerReader } from "./open-ai.ts";
import type { Usage, UsageStatus } from "./usage.ts";
import type { UsageClient } from "./usage-client.ts";

export interface MeterOptions<Request> {
  client: Pick<UsageClient, "record">;
  /** Who is charged; undefined: this request is not metered. */
  customer: (request: Request) => string | undefined;
  /** "owner/name". */
  model: (request: Request) => string;
  version?: (request: Request) => string | undefined;
  /** The prediction that called this one. */
  parent?: (request: Request) => string | undefined;
  /** Send what was asked (the parsed body) and answered too. Off: only what was used. */
  payloads?: boolean;
}

type Next = (error?: unknown) => void;
type Write = (chunk: unknown, encoding?: unknown, ...rest: unknown[]) => boolean;
type End = (chunk?: unknown, encoding?: unknown, ...rest: unknown[]) => ServerResponse;

/**
 * Express middleware for an endpoint that answers as OpenAI's does, also streaming (ask the model for usage in the stream:
 * `stream_options: { include_usage: true }`). The answer's body passes unchanged; when it is over, what it used is recorded:
 * failed from status 400 on, canceled when the caller went away before its end. Each is recorded under an id of its own, which the
 * caller is told in the header `X-Prediction-Id`: what stands in the answer is no identity, caches and some servers give the same one to many.
 */
export function meterOpenAi<Request extends IncomingMessage>({
  client,
  customer,
  ...options
}: MeterOptions<Request>) {
  return (request: Request, response: ServerResponse, next: Next): void => {
    const charged = customer(request);
    if (charged === undefined) {
      next();
      return;
    }
    const begun = performance.now();
    const id = crypto.randomUUID();
    response.setHeader("X-Prediction-Id", id);
    const read = readWhatPasses(response);
    response.once("close", () => {
      // The answer is out; what cannot be noted of it, also by the caller's own functions, must not end the process that serves the next one.
      try {
        const { usage, output } = read();
        const version = options.version?.(request);
        const parent = options.parent?.(request);
        const seconds = (performance.now() - begun) / 1000;
        const recorded: Usage = {
          customer: charged,
          model: options.model(request),
          status: statusOf(response),
          metrics: { predict_time: seconds, ...(usage === undefined ? {} : metricsOfOpenAiUsage(usage)) },
          id,
          ...(version === undefined ? {} : { version }),
          ...(parent === undefined ? {} : { parent }),
          ...(options.payloads ? { input: (request as { body?: unknown }).body, output } : {}),
        };
        client.record(recorded);
      } catch (error) {
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    });
    next();
  };
}

function statusOf(response: ServerResponse): UsageStatus {
  if (response.statusCode >= 400) return "failed";
  return response.writableFinished ? "succeeded" : "canceled";
}

function readWhatPasses(response: ServerResponse) {
  let reader: OpenAiAnswerReader | undefined;
  const note = (chunk: unknown, encoding: unknown) => {
    const bytes = bytesOf(chunk, encoding);
    if (bytes === undefined) return;
    reader ??= new OpenAiAnswerReader(String(response.getHeader("content-type") ?? ""));
    reader.add(bytes);
  };
  const write = response.write.bind(response) as Write;
  const end = response.end.bind(response) as End;
  response.write = ((chunk: unknown, encoding?: unknown, ...rest: unknown[]) => {
    note(chunk, encoding);
    return write(chunk, encoding, ...rest);
  }) as typeof response.write;
  response.end = ((chunk?: unknown, encoding?: unknown, ...rest: unknown[]) => {
    note(chunk, encoding);
    return end(chunk, encoding, ...rest);
  }) as typeof response.end;
  return () => reader?.end() ?? {};
}

function bytesOf(chunk: unknown, encoding: unknown): Uint8Array | undefined {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk !== "string") return undefined;
  return Buffer.from(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8");
}
