import { redactPayload } from "../secrets/index.ts";
import type { UsageEvent } from "./usage.ts";

/**
 * The event without the secrets that its payload shows by how they look or by the names that they stand under, by the service's
 * own rules. What is metered stays as it is.
 * @throws what JSON says of a payload that it cannot write
 */
export function withoutSecrets(event: UsageEvent): UsageEvent {
  const { input, output, logs, error, hardware } = event.data;
  const given = { input, output, logs, error, hardware };
  if (Object.values(given).every((value) => value === undefined)) return event;
  // As it will be written: dates are texts then, and nothing goes round in a circle.
  const plain = JSON.parse(JSON.stringify(given));
  return { ...event, data: { ...event.data, ...redactPayload(plain) } };
}
