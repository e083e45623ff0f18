import { idExample, NAMED } from "./named-examples.ts";

/** The part of JSON Schema that the OpenAPI document is written in. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  prefixItems?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  example?: unknown;
  examples?: unknown[];
  default?: unknown;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  maxItems?: number;
  additionalProperties?: boolean | Schema;
  description?: string;
}

/** Where an example stands: the document's schemas, the operation's path, and the named schemas around it. */
export interface Place {
  schemas: Record<string, Schema>;
  path: string;
  within: readonly string[];
}

/** A value that a schema accepts; its own example, where it has one, otherwise what its name stands for. */
export function exampleOf(schema: Schema, place: Place, name = ""): unknown {
  if (schema.$ref !== undefined) {
    const named = schema.$ref.split("/").at(-1) ?? "";
    return exampleOf(place.schemas[named] ?? {}, { ...place, within: [...place.within, named] }, name);
  }
  const given = schema.example ?? schema.examples?.[0] ?? schema.const;
  if (given !== undefined) return given;
  if (schema.enum !== undefined) return schema.enum[0];
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (choices !== undefined) {
    const some = choices.find((choice) => choice.type !== "null" && !recurs(choice, place));
    return some === undefined ? null : exampleOf(some, place, name);
  }
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== "null") : schema.type;
  switch (type) {
    case "object":
      return objectOf(schema, place);
    case "array":
      return recurs(schema.items ?? {}, place)
        ? []
        : [exampleOf(schema.items ?? {}, place, name.replace(/s$/, ""))];
    case "string":
      return textOf(schema, name, place.path);
    case "integer":
    case "number":
      return schema.default ?? Math.max(schema.minimum ?? 1, 1);
    case "boolean":
      return schema.default ?? true;
    default:
      return type === "null" ? null : {};
  }
}

/** A thing in itself: there the example ends. */
function recurs({ $ref }: Schema, { within }: Place): boolean {
  return $ref !== undefined && within.includes($ref.split("/").at(-1) ?? "");
}

/** Of an object what it must have: the shortest that works. */
function objectOf({ properties = {}, required = [] }: Schema, place: Place) {
  return Object.fromEntries(required.map((name) => [name, exampleOf(properties[name] ?? {}, place, name)]));
}

function textOf(schema: Schema, name: string, path: string): unknown {
  const fits = (text: string) => schema.pattern === undefined || new RegExp(schema.pattern).test(text);
  const candidates = [NAMED[name], name === "id" ? idExample(path) : undefined, schema.default, "1", "USD"];
  if (/(_at|_from|^from|_until|^to|_by_date)$/.test(name)) candidates.unshift("2026-01-01T00:00:00Z");
  const found = candidates.find((text): text is string => typeof text === "string" && fits(text));
  return found ?? name;
}
