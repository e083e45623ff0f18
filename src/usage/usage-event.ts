import { z } from "zod";
import type { Instant } from "../kernel/index.ts";
import { isPlainText, parseInstant } from "../kernel/index.ts";
import { USAGE_STATUSES, type UsageStatus } from "../pricing/index.ts";
import { readQuantities } from "./read-quantities.ts";

export const EVENT_TYPE = "prediction.completed";

function plainText(max: number) {
  return z.string().min(1).max(max).refine(isPlainText, "text without control characters");
}

/** A usage event as CloudEvents 1.0 JSON: the wire contract, over HTTP and in the log. Other attributes are ignored. */
export const CloudEvent = z
  .object({
    specversion: z.literal("1.0"),
    id: plainText(256).meta({ example: "ufawqhfynnddngldkgtslldrkq" }),
    source: plainText(512).meta({ example: "//predictor/eu-1" }),
    type: z.literal(EVENT_TYPE),
    time: z.string().meta({
      example: "2023-11-16T18:17:03.979960Z",
      description: "RFC 3339; when the prediction finished.",
    }),
    subject: z
      .string()
      .regex(/^[A-Za-z0-9._@-]{1,64}$/, "the customer's id")
      .meta({ example: "customer-42", description: "The customer who is charged." }),
    data: z.object({
      model: z
        .string()
        .regex(/^[A-Za-z0-9._@-]{1,64}\/[A-Za-z0-9._@-]{1,64}$/, "owner/name")
        .meta({ example: "meta/llama-3-70b-instruct" }),
      version: plainText(128).nullish(),
      status: z.enum(USAGE_STATUSES),
      metrics: z
        .record(z.string(), z.unknown())
        .nullish()
        .meta({ example: { predict_time: 1.234567, input_token_count: 4808, output_token_count: 10 } }),
      parent: plainText(256)
        .nullish()
        .meta({ description: "The prediction that called this one, in a chain." }),
    }),
  })
  .meta({ id: "UsageEvent" });
export type CloudEvent = z.infer<typeof CloudEvent>;

/** One immutable fact: a prediction finished. Its identity is (source, id), never its time. */
export interface UsageEvent {
  source: string;
  id: string;
  occurredAt: Instant;
  customer: string;
  model: string;
  /** Empty when the producer named none. */
  version: string;
  status: UsageStatus;
  parent: string | null;
  /** Integers at each meter's scale. A missing meter is unmetered, never zero. */
  quantities: Map<string, bigint>;
}

export const EVENT_REFUSALS = [
  "event_invalid",
  "time_invalid",
  "time_in_future",
  "quantity_invalid",
  "meter_forged",
  "metrics_disagree",
  "source_not_allowed",
] as const;
export type EventRefusalCode = (typeof EVENT_REFUSALS)[number];

export interface EventRefusal {
  code: EventRefusalCode;
  /** Names the field and what it should be. */
  message: string;
}

export type ReadEvent = { event: UsageEvent; wire: CloudEvent } | { refusal: EventRefusal };

/** 2000-01-01T00:00:00Z: nothing was metered before; an earlier time is a clock that was never set. */
const EARLIEST = 946_684_800_000_000n;

/** Producers' clocks may be this far ahead of the log's. */
const AHEAD_MAX_MICROS = 600_000_000n;

/**
 * Reads one CloudEvent: the same rules at the HTTP door and behind the log. `appendedAt` is when the log took it (or,
 * at the door, now): an event from further ahead than ten minutes is refused.
 */
export function readUsageEvent(json: unknown, appendedAt: Instant): ReadEvent {
  const parsed = CloudEvent.safeParse(json);
  if (!parsed.success) return refuse("event_invalid", describe(parsed.error));
  const wire = parsed.data;
  const occurredAt = parseInstant(wire.time);
  if (occurredAt === undefined)
    return refuse("time_invalid", "time: an RFC 3339 time such as 2023-11-16T18:17:03Z");
  if (occurredAt < EARLIEST)
    return refuse("time_invalid", "time: before the year 2000; check the producer's clock");
  if (occurredAt > appendedAt + AHEAD_MAX_MICROS) {
    return refuse("time_in_future", "time: more than ten minutes ahead; check the producer's clock");
  }
  const quantities = readQuantities(wire.data.metrics ?? {});
  if ("code" in quantities) return { refusal: quantities };
  const { source, id, subject: customer } = wire;
  const { model, version, status, parent } = wire.data;
  return {
    wire,
    event: {
      source,
      id,
      occurredAt,
      customer,
      model,
      version: version ?? "",
      status,
      parent: parent ?? null,
      quantities,
    },
  };
}

function refuse(code: EventRefusalCode, message: string): ReadEvent {
  return { refusal: { code, message } };
}

function describe(error: z.ZodError): string {
  const issues = error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.join(".") || "event"}: ${issue.message}`);
  return issues.join("; ").toWellFormed().replaceAll("\u0000", "");
}
