import { looksLikeKey, redactText } from "../secrets/index.ts";
import { type CloudEvent, HARDWARE_PATTERN } from "./cloud-event.ts";

const METRIC_NAME_LENGTH_MAX = 64;

export type LoggedEvent = ReturnType<typeof loggedEvent>;

/** What goes into the log: the facts that are metered. Inputs, outputs and logs of predictions never do. */
export function loggedEvent({ specversion, id, source, type, time, subject, data }: CloudEvent) {
  const { model, version, status, parent } = data;
  const metrics = loggedMetrics(data.metrics ?? {});
  const hardware = hardwareName(data.hardware) ?? undefined;
  const facts = { model, version, status, metrics, parent, hardware };
  return { specversion, id, source, type, time, subject, data: facts };
}

const NAMES_KNOWN_MAX = 1000;
const knownNames = new Map<string, boolean>();

/** What a prediction ran on; null when it is not told, or by no name that hardware has: such an event is as good as any. */
export function hardwareName(value: unknown): string | null {
  if (typeof value !== "string" || !HARDWARE_PATTERN.test(value)) return null;
  const isName = knownNames.get(value) ?? redactText(value) === value;
  if (knownNames.size < NAMES_KNOWN_MAX) knownNames.set(value, isName);
  return isName ? value : null;
}

/** Only what can be a quantity: text, and whatever is nested inside, would be carried for nothing. */
function loggedMetrics(metrics: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(metrics);
  if (names.every((name) => canBeQuantity(name, metrics[name]))) return metrics;
  return Object.fromEntries(Object.entries(metrics).filter(([name, value]) => canBeQuantity(name, value)));
}

function canBeQuantity(name: string, value: unknown): boolean {
  return typeof value === "number" && name.length <= METRIC_NAME_LENGTH_MAX && !looksLikeKey(name);
}
