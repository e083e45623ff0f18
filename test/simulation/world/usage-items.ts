import type { OracleEvent } from "../../oracle/shapes.ts";
import type { Random } from "../random.ts";
import { type Clock, DAY_MS, HOUR_MS } from "./clock.ts";

/** One thing a producer sends: an event, or something no event can be read from, with the reason metering must give. */
export interface UsageItem {
  /** As it stands in the record, alone or as an element of an array. */
  bytes: Buffer;
  event?: OracleEvent;
  reason?: string;
  /** Cannot stand inside an array. */
  alone: boolean;
}

const FIRST_DAY_MS = Date.parse("2023-10-01T00:00:00Z");
const MONTH_ENDS = ["2023-10-31T23:59:59.999999Z", "2023-11-01T00:00:00Z", "2023-11-30T23:59:59.9999999Z"];

/** Makes usage as producers would: late, early, sent again, sent again with other content, and broken. */
export class UsageSource {
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #names: { models: readonly string[]; customers: readonly string[] };
  readonly #made: OracleEvent[] = [];

  constructor(
    random: Random,
    clock: Clock,
    names: { models: readonly string[]; customers: readonly string[] },
  ) {
    this.#random = random;
    this.#clock = clock;
    this.#names = names;
  }

  next(): UsageItem {
    const random = this.#random;
    const before = this.#made.length === 0 ? undefined : random.pick(this.#made);
    if (random.chance(0.07)) return this.#poison();
    if (before !== undefined && random.chance(0.12)) return itemOf(before);
    if (before !== undefined && random.chance(0.08)) return itemOf(this.#otherContent(before));
    const event = this.#event(this.#time());
    this.#made.push(event);
    return itemOf(event);
  }

  #event(time: string): OracleEvent {
    const random = this.#random;
    return {
      source: `//predictor/${random.below(2)}`,
      id: `prediction-${this.#made.length}`,
      time,
      subject: random.pick(this.#names.customers),
      data: {
        model: random.pick(this.#names.models),
        version: random.pick(["v1", "v2", null]),
        status: random.chance(0.85) ? "succeeded" : random.pick(["failed", "canceled", "aborted"]),
        metrics: {
          predict_time: Number(`${random.below(40)}.${random.below(1e9)}`),
          ...(random.chance(0.9) ? { input_token_count: random.below(60_000) } : {}),
          ...(random.chance(0.7) ? { completion_tokens: random.below(9_000) } : {}),
        },
      },
    };
  }

  #time(): string {
    const random = this.#random;
    const past = MONTH_ENDS.filter((end) => Date.parse(end) <= this.#clock.nowMs);
    if (past.length > 0 && random.chance(0.15)) return random.pick(past);
    const late = random.chance(0.25) ? random.below(20 * DAY_MS) : random.below(3 * HOUR_MS);
    // Up to a quarter of an hour ahead: ten minutes are forgiven.
    const ahead = random.chance(0.06) ? random.below(HOUR_MS / 4) + late : 0;
    const ms = Math.max(FIRST_DAY_MS, this.#clock.nowMs - late + ahead);
    return new Date(ms).toISOString().replace("Z", `${random.below(1000)}Z`);
  }

  #otherContent(event: OracleEvent): OracleEvent {
    const random = this.#random;
    const { data } = event;
    if (random.chance(0.3)) return { ...event, time: this.#time() };
    if (random.chance(0.3)) return { ...event, subject: random.pick(this.#names.customers) };
    return {
      ...event,
      data: { ...data, metrics: { ...data.metrics, input_token_count: random.below(100) } },
    };
  }

  #poison(): UsageItem {
    // Not ahead of the log: it is to be refused for one reason alone.
    const event = this.#event(this.#clock.now.toISOString());
    const { metrics } = event.data;
    const withMetrics = (text: string) =>
      wireText(event).replace(/"metrics":\{[^}]*\}/, `"metrics":{${text}}`);
    const inArray = (text: string, reason: string): UsageItem => ({
      bytes: Buffer.from(text),
      reason,
      alone: false,
    });
    const whole = (bytes: Buffer, reason: string): UsageItem => ({ bytes, reason, alone: true });
    return this.#random.pick([
      () => whole(Buffer.from(`{"id": ${this.#random.below(100)}`), "not_json"),
      () => whole(Buffer.from([0xff, 0xfe, this.#random.below(256)]), "not_utf8"),
      () => inArray(withMetrics('"predict_time": -1'), "quantity_invalid"),
      () => inArray(withMetrics('"input_token_count": 1e400'), "quantity_invalid"),
      () => inArray(withMetrics('"input_tokens": 7'), "meter_forged"),
      () => inArray(withMetrics('"prompt_tokens": 7, "input_token_count": 8'), "metrics_disagree"),
      () => inArray(wireText({ ...event, time: "yesterday" }), "time_invalid"),
      () =>
        inArray(wireText({ ...event, data: { ...event.data, status: "done", metrics } }), "event_invalid"),
      () => inArray("null", "event_invalid"),
    ])();
  }
}

function itemOf(event: OracleEvent): UsageItem {
  return { bytes: Buffer.from(wireText(event)), event, alone: false };
}

function wireText(event: OracleEvent): string {
  return JSON.stringify({ specversion: "1.0", type: "prediction.completed", ...event });
}
