import { type KnownSecrets, REDACTED } from "./known-secrets.ts";
import { isSecretName } from "./secret-name.ts";

/** Deeper values are not kept: nobody reads them, and a stack would not hold them. */
export const DEPTH_MAX = 64;
export const TOO_DEEP = "[nested too deeply]";

/**
 * The value with the mark in the place of everything that stands under a secret's name: a key of an object, the name of a
 * {name, value} pair or of a [name, value] pair, in JSON inside of texts too. What was there, and every secret that a text
 * shows, becomes known.
 */
export function hideByName(value: unknown, known: KnownSecrets, depth = 0): unknown {
  if (typeof value === "string") return hideInText(value, known, depth);
  if (typeof value !== "object" || value === null) return value;
  if (depth > DEPTH_MAX) return TOO_DEEP;
  if (Array.isArray(value)) {
    const [name, second] = value as unknown[];
    if (value.length === 2 && typeof name === "string" && typeof second === "string" && isSecretName(name))
      return [name, hideAll(second, known)];
    return value.map((element) => hideByName(element, known, depth + 1));
  }
  const named = namedPair(value);
  return Object.fromEntries(
    Object.entries(value).map(([key, held]) => {
      const secret = isSecretName(key) ? !isCount(key, held) : named && (key === "value" || key === "val");
      return [key, secret ? hideAll(held, known) : hideByName(held, known, depth + 1)];
    }),
  );
}

/** Everything in it; what says nothing (true, null) stays. */
export function hideAll(value: unknown, known: KnownSecrets, depth = 0): unknown {
  if (typeof value === "string" || typeof value === "number") {
    learn(String(value), known);
    return REDACTED;
  }
  if (typeof value !== "object" || value === null) return value;
  if (depth > DEPTH_MAX) return TOO_DEEP;
  if (Array.isArray(value)) return value.map((element) => hideAll(element, known, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, held]) => [key, hideAll(held, known, depth + 1)]),
  );
}

/** A header holds more than the secret: `Bearer …`, `Basic …` with a name and a password, cookies with their names. */
function learn(value: string, known: KnownSecrets): void {
  known.add(value);
  known.addFrom(value);
  const scheme = /^(?:bearer|basic|token|key|bot)\s+(\S+)$/i.exec(value)?.[1];
  if (scheme !== undefined) {
    known.add(scheme);
    const [, password] = Buffer.from(scheme, "base64").toString().split(":");
    if (/^basic/i.test(value) && password !== undefined) known.add(password);
  }
  for (const part of value.split(/[\s;,=]+/))
    if (part.length >= PART_LENGTH_MIN && /\d/.test(part)) known.add(part);
}

/** A word with a digit in it is no word. */
const PART_LENGTH_MIN = 8;

function namedPair(value: object): boolean {
  const { name, key, header } = value as Record<string, unknown>;
  return [name, key, header].some((said) => typeof said === "string" && isSecretName(said));
}

function isCount(key: string, value: unknown): boolean {
  return typeof value === "number" && /tokens?$/i.test(key);
}

function hideInText(text: string, known: KnownSecrets, depth: number): string {
  known.addFrom(text);
  const json = depth > DEPTH_MAX ? undefined : parsed(text);
  if (json === undefined) return text;
  const after = JSON.stringify(hideByName(json, known, depth + 1));
  return after === written(json) ? text : after;
}

/** Undefined for what is nested so deeply that no stack holds it: it can be parsed, but not be written again. */
function written(json: unknown): string | undefined {
  try {
    return JSON.stringify(json);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Learns the secrets of a text that was put together from pieces, which may be more than one JSON document, or none to its end. */
export function learnFromPieces(text: string, known: KnownSecrets): void {
  hideInText(text, known, 0);
  for (const [, name = "", value = ""] of text.matchAll(MEMBER)) {
    const json = parsed(`["${name}","${value}"]`);
    if (Array.isArray(json) && isSecretName(json[0] as string)) learn(json[1] as string, known);
  }
}

/** A name of JSON with its text, or what there is of that. */
const MEMBER = /"([^"\\]{1,128})"\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)/g;

/** Arguments of tool calls, and much else, are JSON in a text. */
function parsed(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
