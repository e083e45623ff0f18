import { usageEvent } from "../../support/usage.ts";

/** What POST /v1/events answers to the same bytes: a status and code for all of it, or the codes of its events. */
export type HttpAnswer = { status: number; code: string } | { rejected: string[] };

export interface Poison {
  name: string;
  /** Null: a record without a value, a tombstone. */
  value: Buffer | null;
  dead: { reason: string; raw: Buffer }[];
  /** Null when HTTP cannot carry it. */
  http: HttpAnswer | null;
}

const NOT_JSON = { status: 400, code: "body_not_json" };
const NO_EVENT = { status: 400, code: "event_invalid" };

const event = usageEvent({ id: "poison" });
const eventText = JSON.stringify(event);
/** The event's JSON with one piece of its text replaced. */
const altered = (from: string, to: string) => eventText.replace(from, () => to);
const withMetric = (text: string) => altered('"input_token_count":1000', text);
const withTime = (time: string) => altered(event.time, time);
const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;

/** A record that dies whole. */
function whole(name: string, value: Buffer | string | null, reason: string, http: Poison["http"]): Poison {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return { name, value: bytes, dead: [{ reason, raw: bytes ?? Buffer.alloc(0) }], http };
}

/** One event that is refused for the same reason at both doors. */
function refused(name: string, text: string, reason: string): Poison {
  return whole(name, text, reason, { rejected: [reason] });
}

/** An array of which every element dies. */
function elements(name: string, texts: readonly string[], reason = "event_invalid"): Poison {
  const dead = texts.map((text) => ({ reason, raw: Buffer.from(text) }));
  const value = Buffer.from(`[ ${texts.join(" ,\n")} ]`);
  return { name, value, dead, http: { rejected: texts.map(() => reason) } };
}

const BYTES: Poison[] = [
  whole("invalid UTF-8", Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), "not_utf8", NOT_JSON),
  whole("an overlong encoding", Buffer.from([0x22, 0xc0, 0x80, 0x22]), "not_utf8", NOT_JSON),
  whole(
    "a surrogate in UTF-8",
    Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
    "not_utf8",
    NOT_JSON,
  ),
  whole("UTF-16", Buffer.from(`\ufeff${eventText}`, "utf16le"), "not_utf8", NOT_JSON),
  whole("text that is not JSON", "{not json", "not_json", NOT_JSON),
  whole("half an event", eventText.slice(0, -7), "not_json", NOT_JSON),
  whole("two events in one record", `${eventText}\n${eventText}`, "not_json", NOT_JSON),
  whole("NUL characters", "\0\0\0\0", "not_json", NOT_JSON),
  whole("an event with a NUL after it", `${eventText}\0`, "not_json", NOT_JSON),
  whole("an empty value", Buffer.alloc(0), "not_json", NOT_JSON),
  whole("a null value, a tombstone", null, "not_json", null),
  whole("a record of 2 MiB", `"${"x".repeat(2 * 1024 * 1024 - 1000)}"`, "record_too_large", {
    status: 413,
    code: "body_too_large",
  }),
  whole("a bare NaN", withMetric('"predict_time":NaN'), "not_json", NOT_JSON),
  whole("a bare -Infinity", withMetric('"predict_time":-Infinity'), "not_json", NOT_JSON),
];

const SHAPES: Poison[] = [
  whole("a number", "7", "event_invalid", NO_EVENT),
  whole("null", "null", "event_invalid", NO_EVENT),
  whole("100,000 levels of nesting", `{"a":${nested(100_000)}}`, "event_invalid", NO_EVENT),
  elements("100,000 levels of arrays", [nested(99_999)]),
  whole("100,000 levels of nesting in a text", `{"a":"${nested(100_000)}"}`, "event_invalid", NO_EVENT),
  whole("an event only in the prototype", `{"__proto__":${eventText}}`, "event_invalid", NO_EVENT),
  refused(
    "data only in the prototype",
    altered('"data":', '"__proto__":{"data":').replace(/\}$/, "}}"),
    "event_invalid",
  ),
  refused("no id", altered('"id":"poison",', ""), "event_invalid"),
  refused("no source", altered('"source":"//predictor/eu-1",', ""), "event_invalid"),
  refused("no time", altered(`"time":"${event.time}",`, ""), "event_invalid"),
  refused("no customer", altered('"subject":"acme",', ""), "event_invalid"),
  refused("no model", altered('"model":"ada/llm",', ""), "event_invalid"),
  refused("no status", altered('"status":"succeeded",', ""), "event_invalid"),
  refused("another type", altered("prediction.completed", "prediction.started"), "event_invalid"),
  refused("a number as id", altered('"id":"poison"', '"id":7'), "event_invalid"),
  refused("an empty id", altered('"id":"poison"', '"id":""'), "event_invalid"),
  refused("an id of 257 characters", altered('"poison"', `"${"x".repeat(257)}"`), "event_invalid"),
  refused("an id of 900,000 characters", altered('"poison"', `"${"x".repeat(900_000)}"`), "event_invalid"),
  refused("a NUL in the id", altered('"poison"', '"poi\\u0000son"'), "event_invalid"),
  refused("half a surrogate in the id", altered('"poison"', '"\\ud800"'), "event_invalid"),
  refused(
    "half a surrogate in the version",
    altered('"status"', '"version":"\\udc00","status"'),
    "event_invalid",
  ),
  {
    name: "1,001 events in an array",
    value: Buffer.from(`[${Array.from({ length: 1001 }, () => "{}").join(",")}]`),
    dead: [
      {
        reason: "batch_too_large",
        raw: Buffer.from(`[${Array.from({ length: 1001 }, () => "{}").join(",")}]`),
      },
    ],
    http: { status: 413, code: "body_too_large" },
  },
  elements("an array of arrays of events", [`[${eventText}]`, `[[${eventText}]]`]),
  elements("an array of everything but events", ["null", "true", "-0", '"x,]\\"["', "{}", "[]", "1e400"]),
];

const VALUES: Poison[] = [
  refused("a negative quantity", withMetric('"input_token_count":-1'), "quantity_invalid"),
  refused("NaN as text", withMetric('"predict_time":"NaN"'), "quantity_invalid"),
  refused("Infinity as text", withMetric('"predict_time":"Infinity"'), "quantity_invalid"),
  refused("1e400", withMetric('"predict_time":1e400'), "quantity_invalid"),
  refused("2^63", withMetric('"input_token_count":9223372036854775808'), "quantity_invalid"),
  refused("a number as text", withMetric('"input_token_count":"1000"'), "quantity_invalid"),
  refused("a quantity that is an object", withMetric('"predict_time":{"__proto__":1}'), "quantity_invalid"),
  refused("a forged meter", withMetric('"input_tokens":5'), "meter_forged"),
  refused("metrics that disagree", withMetric('"prompt_tokens":1,"input_token_count":2'), "metrics_disagree"),
  refused(
    "65 metrics",
    withMetric(Array.from({ length: 65 }, (_, n) => `"metric_${n}":1`).join(",")),
    "quantity_invalid",
  ),
  refused("the far future", withTime("9999-12-31T23:59:59.999999Z"), "time_in_future"),
  refused("an hour ahead", withTime(new Date(Date.now() + 3_600_000).toISOString()), "time_in_future"),
  refused("the year 0", withTime("0000-01-01T00:00:00Z"), "time_invalid"),
  refused("the year 1999", withTime("1999-12-31T23:59:59.999999Z"), "time_invalid"),
  refused("the year 99999", withTime("99999-01-01T00:00:00Z"), "time_invalid"),
  refused("the year +099999", withTime("+099999-01-01T00:00:00Z"), "time_invalid"),
  refused("a day that does not exist", withTime("2023-02-29T00:00:00Z"), "time_invalid"),
  elements(
    "an array with 1e400 in each event",
    ["1e400", "1e+400", "123e4567"].map((number) => withMetric(`"predict_time": ${number}`)),
    "quantity_invalid",
  ),
];

/** What must become dead letters with these reasons and exactly these bytes. */
export const POISON: readonly Poison[] = [...BYTES, ...SHAPES, ...VALUES];
