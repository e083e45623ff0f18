import { hash } from "node:crypto";
import type { UsageEvent } from "./usage-event.ts";

/** The first 128 bits of SHA-256 over length-prefixed source and id, as a UUID. Billed once, ever. */
export function eventIdentity(source: string, id: string): string {
  return digest([source, id]);
}

/** What a conflict is about: every field that decides what is charged to whom. */
export function billedContent(event: UsageEvent): string {
  const quantities = [...event.quantities]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([meter, q]) => [meter, q.toString()]);
  const { occurredAt, customer, model, version, status } = event;
  return digest([occurredAt.toString(), customer, model, version, status, ...quantities]);
}

// Lengths in front, so that no two lists of fields can make the same text.
function digest(fields: string[]): string {
  const text = fields.map((field) => `${field.length}:${field}`).join("");
  const hex = hash("sha256", text, "hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
