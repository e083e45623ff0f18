import { DEPTH_MAX, hideAll, TOO_DEEP } from "./hide-secrets.ts";
import type { KnownSecrets } from "./known-secrets.ts";

/** A JSON schema of a version's input, as Cog writes it; or Cog's whole OpenAPI document. */
export type InputSchema = Record<string, unknown>;

/** The value with the mark wherever the schema says that a secret is; what was there becomes known. */
export function hideBySchema(schema: InputSchema, value: unknown, known: KnownSecrets): unknown {
  return hideIn({ root: schema, known }, inputOf(schema), value, 0);
}

/** The same for a schema itself: examples and defaults of secrets are secrets. */
export function isSecretSchema(schema: Record<string, unknown>): boolean {
  return schema["x-cog-secret"] === true || schema.format === "password" || schema.writeOnly === true;
}

interface Hiding {
  root: InputSchema;
  known: KnownSecrets;
}

function hideIn(hiding: Hiding, schema: unknown, value: unknown, depth: number): unknown {
  if (depth > DEPTH_MAX) return TOO_DEEP;
  let hidden = value;
  for (const one of alternatives(hiding.root, schema)) {
    if (isSecretSchema(one)) return hideAll(hidden, hiding.known);
    if (Array.isArray(hidden))
      hidden = hidden.map((element) => hideIn(hiding, one.items, element, depth + 1));
    else if (isObject(hidden)) hidden = hideInProperties(hiding, one, hidden, depth);
  }
  return hidden;
}

function hideInProperties(
  hiding: Hiding,
  schema: Record<string, unknown>,
  value: Record<string, unknown>,
  depth: number,
): Record<string, unknown> {
  const properties = isObject(schema.properties) ? schema.properties : {};
  return Object.fromEntries(
    Object.entries(value).map(([name, held]) => {
      const own = Object.hasOwn(properties, name) ? properties[name] : schema.additionalProperties;
      return [name, isObject(own) ? hideIn(hiding, own, held, depth + 1) : held];
    }),
  );
}

/** The schema with everything that it refers to or is put together from; references in a circle end. */
function alternatives(root: InputSchema, schema: unknown): Record<string, unknown>[] {
  const found = new Set<Record<string, unknown>>();
  const look = (one: unknown): void => {
    if (!isObject(one) || found.has(one)) return;
    found.add(one);
    if (typeof one.$ref === "string") look(referred(root, one.$ref));
    for (const many of [one.allOf, one.anyOf, one.oneOf]) if (Array.isArray(many)) many.forEach(look);
  };
  look(schema);
  return [...found];
}

function inputOf(schema: InputSchema): unknown {
  return referred(schema, "#/components/schemas/Input") ?? schema;
}

function referred(root: InputSchema, reference: string): unknown {
  if (!reference.startsWith("#/")) return undefined;
  return reference
    .slice(2)
    .split("/")
    .reduce<unknown>(
      (node, key) => (isObject(node) && Object.hasOwn(node, key) ? node[key] : undefined),
      root,
    );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
