import type { z } from "zod";
import type { Instant } from "../kernel/index.ts";
import type { UsageStatus } from "../pricing/index.ts";
import { CloudEvent } from "./cloud-event.ts";
import { hardwareName } from "./logged-event.ts";
import { isPlainEvent } from "./plain-event.ts";
import { readQuantities } from "./read-quantities.ts";
import { readTime } from "./read-time.ts";

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
  /** What it ran on. Nothing is charged for it, so it is no part of what a conflict is about; null when it is not told. */
  hardware: string | null;
  /** Integers at each meter's scale. A missing meter is unmetered, never zero. */
  quantities: Map<string, bigint>;
}

export const EVENT_REFUSALS = [
  "event_invalid",
  "time_invalid",
  "time_in_future",
  "time_too_old",
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

/** `wire` has the attributes of the schema, and may have others. */
export type ReadEvent = { event: UsageEvent; wire: CloudEvent } | { refusal: EventRefusal };

/** 2000-01-01T00:00:00Z: nothing was metered before; an earlier time is a clock that was never set. */
const EARLIEST = 946_684_800_000_000n;

/** Producers' clocks may be this far ahead of the log's. */
const AHEAD_MAX_MICROS = 600_000_000n;
const DAY_MICROS = 86_400_000_000n;

/** The earliest and the latest time of an event that is accepted in a record appended then: microseconds, both included. */
export function acceptedTimes(appendedAt: Instant, horizonDays?: number): [from: number, until: number] {
  const horizon = horizonDays === undefined ? EARLIEST : appendedAt - BigInt(horizonDays) * DAY_MICROS;
  return [Number(horizon > EARLIEST ? horizon : EARLIEST), Number(appendedAt + AHEAD_MAX_MICROS)];
}

/**
 * Reads one CloudEvent: the same rules at the HTTP door and behind the log. `appendedAt` is when the log took it (or,
 * at the door, now): an event from further ahead than ten minutes is refused, and so is one from before the horizon, when
 * there is one: its identity may have been forgotten.
 */
export function readUsageEvent(json: unknown, appendedAt: Instant, horizonDays?: number): ReadEvent {
  if (isPlainEvent(json)) return readFields(json, appendedAt, horizonDays);
  const parsed = CloudEvent.safeParse(json);
  if (!parsed.success) return refuse("event_invalid", describe(parsed.error));
  return readFields(parsed.data, appendedAt, horizonDays);
}

function readFields(wire: CloudEvent, appendedAt: Instant, horizonDays: number | undefined): ReadEvent {
  const occurredAt = readTime(wire.time);
  if (occurredAt === undefined)
    return refuse("time_invalid", "time: an RFC 3339 time such as 2023-11-16T18:17:03Z");
  if (occurredAt < EARLIEST)
    return refuse("time_invalid", "time: before the year 2000; check the producer's clock");
  if (occurredAt > appendedAt + AHEAD_MAX_MICROS) {
    return refuse("time_in_future", "time: more than ten minutes ahead; check the producer's clock");
  }
  if (horizonDays !== undefined && occurredAt < appendedAt - BigInt(horizonDays) * DAY_MICROS) {
    const message = `time: older than ${horizonDays} days; it could no longer be told from a repeat, so it is not metered: book a correction instead`;
    return refuse("time_too_old", message);
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
      hardware: hardwareName(wire.data.hardware),
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
