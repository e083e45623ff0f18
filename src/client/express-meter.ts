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
 * `stream_options: { include_usage: true }`). The answer passes unchanged; when it is over, what it used is recorded:
 * failed from status 400 on, canceled when the caller went away before its end. Each answer is recorded under an id of its own, which
 * begins with the answer's: some servers give the same one to many, as caches do.
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
    const read = readWhatPasses(response);
    response.once("close", () => {
      const { id, usage, output } = read();
      const version = options.version?.(request);
      const parent = options.parent?.(request);
      const seconds = (performance.now() - begun) / 1000;
      const recorded: Usage = {
        customer: charged,
        model: options.model(request),
        status: statusOf(response),
        metrics: { predict_time: seconds, ...(usage === undefined ? {} : metricsOfOpenAiUsage(usage)) },
        id: ownId(id),
        ...(version === undefined ? {} : { version }),
        ...(parent === undefined ? {} : { parent }),
        ...(options.payloads ? { input: (request as { body?: unknown }).body, output } : {}),
      };
      try {
        client.record(recorded);
      } catch (error) {
        // The answer is out; what could not be noted must not end the process that serves the next one.
        process.emitWarning(error as Error);
      }
    });
    next();
  };
}

const ANSWER_ID_LENGTH_MAX = 200;

/** What is sent twice under an id counts once, so it must never come from somebody who may say the same twice. */
function ownId(answerId: string | undefined): string {
  const readable = (answerId ?? "").replace(/\p{C}/gu, "").slice(0, ANSWER_ID_LENGTH_MAX).toWellFormed();
  return readable === "" ? crypto.randomUUID() : `${readable}:${crypto.randomUUID()}`;
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
