import { looksLikeKey } from "../secrets/index.ts";
import type { CloudEvent } from "./cloud-event.ts";

const METRIC_NAME_LENGTH_MAX = 64;

export type LoggedEvent = ReturnType<typeof loggedEvent>;

/** What goes into the log: the facts that are metered. Inputs, outputs and logs of predictions never do. */
export function loggedEvent({ specversion, id, source, type, time, subject, data }: CloudEvent) {
  const { model, version, status, parent } = data;
  const metrics = loggedMetrics(data.metrics ?? {});
  return { specversion, id, source, type, time, subject, data: { model, version, status, metrics, parent } };
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
