import { hideByName } from "./hide-secrets.ts";
import { hideBySchema, type InputSchema } from "./input-schema.ts";
import { KnownSecrets, orWithheld, WITHHELD } from "./known-secrets.ts";
import { learnFromStreams, redactStream } from "./streams.ts";

/** What came with a prediction, of any kind. */
export interface Payload {
  input?: unknown;
  output?: unknown;
  logs?: unknown;
  error?: unknown;
}

/**
 * The payload without its secrets: what the schemas of the model's input say is one, what stands under a secret's name, what
 * looks like one, and wherever else any of their values turns up, encoded too, and cut into the pieces of a stream. Nothing of it
 * where there are more than can be looked for. Pure. Run over its own result, it changes nothing.
 */
export function redactPayload<T extends Payload>(payload: T, schemas: readonly InputSchema[] = []): T {
  const redact = () => {
    const known = new KnownSecrets();
    const input = schemas.reduce<unknown>(
      (hidden, schema) => hideBySchema(schema, hidden, known),
      payload.input,
    );
    const sent = payload.input === undefined ? payload : { ...payload, input };
    return redactAll(sent, known) as T;
  };
  return orWithheld(redact, () => {
    const withheld = Object.entries(payload).map(([name, held]) => [name, held == null ? held : WITHHELD]);
    return Object.fromEntries(withheld) as T;
  });
}

/** A text by itself, such as a comment. */
export function redactText(text: string): string {
  return orWithheld(
    () => new KnownSecrets().redact(text),
    () => WITHHELD,
  );
}

/** Any JSON by itself. */
export function redactJson(value: unknown): unknown {
  return orWithheld(
    () => redactAll(value, new KnownSecrets()),
    () => WITHHELD,
  );
}

function redactAll(value: unknown, known: KnownSecrets): unknown {
  const named = hideByName(value, known);
  learnFromStreams(named, known);
  return redactTexts(named, known);
}

function redactTexts(value: unknown, known: KnownSecrets): unknown {
  if (typeof value === "string") return known.redact(value);
  if (typeof value === "number") {
    const text = String(value);
    return known.redact(text) === text ? value : known.redact(text);
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return redactStream(value, known).map((element) => redactTexts(element, known));
  return Object.fromEntries(
    Object.entries(value).map(([key, held]) => [known.redact(key), redactTexts(held, known)]),
  );
}
