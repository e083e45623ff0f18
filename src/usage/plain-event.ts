import { USAGE_STATUSES } from "../pricing/index.ts";
import {
  type CloudEvent,
  CUSTOMER_PATTERN,
  EVENT_TYPE,
  ID_LENGTH_MAX,
  MODEL_PATTERN,
  SOURCE_LENGTH_MAX,
  VERSION_LENGTH_MAX,
} from "./cloud-event.ts";

/**
 * True only when the schema `CloudEvent` certainly accepts this and keeps every attribute that anybody reads; false
 * says nothing, and the schema decides. It costs a twentieth of the schema, and metering asks it for every event.
 */
export function isPlainEvent(json: unknown): json is CloudEvent {
  if (!isObject(json)) return false;
  return (
    json.specversion === "1.0" &&
    json.type === EVENT_TYPE &&
    isPlainAscii(json.id, ID_LENGTH_MAX) &&
    isPlainAscii(json.source, SOURCE_LENGTH_MAX) &&
    typeof json.time === "string" &&
    typeof json.subject === "string" &&
    CUSTOMER_PATTERN.test(json.subject) &&
    isObject(json.data) &&
    isPlainPrediction(json.data)
  );
}

function isPlainPrediction({ model, version, status, metrics, parent }: Record<string, unknown>): boolean {
  return (
    typeof model === "string" &&
    MODEL_PATTERN.test(model) &&
    (USAGE_STATUSES as readonly unknown[]).includes(status) &&
    (isNothing(version) || isPlainAscii(version, VERSION_LENGTH_MAX)) &&
    (isNothing(parent) || isPlainAscii(parent, ID_LENGTH_MAX)) &&
    (isNothing(metrics) || isPlainRecord(metrics))
  );
}

/** The schema leaves a key `__proto__` out, so a record that has one is not kept as it is. */
function isPlainRecord(value: unknown): boolean {
  return (
    isObject(value) && Object.getPrototypeOf(value) === Object.prototype && !Object.hasOwn(value, "__proto__")
  );
}

const UNPRINTABLE = /[^ -~]/;

function isPlainAscii(value: unknown, lengthMax: number): boolean {
  return (
    typeof value === "string" && value.length > 0 && value.length <= lengthMax && !UNPRINTABLE.test(value)
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNothing(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}
