import type { Schema } from "./example.ts";
import { type Html, html, joined, prose } from "./html.ts";

export const SCHEMAS_AT = "/reference/schemas";

/** What kind of value a schema takes, in words; named schemas are links. */
export function kindOf(schema: Schema): Html {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1) ?? "";
    return html`<a href="${SCHEMAS_AT}#${name}">${name}</a>`;
  }
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`;
  if (schema.enum !== undefined)
    return joined(
      schema.enum.map((value) => html`<code>${JSON.stringify(value)}</code>`),
      " or ",
    );
  const choices = choicesOf(schema);
  if (choices !== undefined) return joined(distinct(choices.map(kindOf)), " or ");
  if (Array.isArray(schema.type))
    return joined(
      schema.type.map((type) => kindOf({ ...schema, type })),
      " or ",
    );
  if (schema.type === "array") return html`list of ${kindOf(schema.items ?? {})}`;
  if (schema.type === "object" && typeof schema.additionalProperties === "object")
    return html`object of ${kindOf(schema.additionalProperties)}`;
  return html`${schema.type ?? "anything"}`;
}

/** The fields of an object, of a list's objects, or of each choice; nothing where there are none, or another name has them. */
export function fieldsOf(schema: Schema): Html {
  const choices = choicesOf(schema);
  if (choices !== undefined) return html`${choices.map(fieldsOf)}`;
  if (schema.items !== undefined) return fieldsOf(schema.items);
  const fields = Object.entries(schema.properties ?? {});
  if (schema.$ref !== undefined || fields.length === 0) return html``;
  const needed = new Set(schema.required);
  return html`<ul class="fields">
${fields.map(([name, field]) => fieldView(name, field, needed.has(name) ? "" : "optional"))}</ul>
`;
}

/** One field or parameter, with what is inside it. */
export function fieldView(name: string, schema: Schema, note: string): Html {
  const notes = [note, limitsOf(schema)].filter((one) => one !== "").join("; ");
  return html`<li><code class="name">${name}</code> <span class="kind">${kindOf(schema)}</span>
${notes === "" ? undefined : html`<span class="note">${notes}</span>`}
${schema.description === undefined ? undefined : html`<p>${prose(schema.description)}</p>`}${fieldsOf(schema)}</li>
`;
}

function choicesOf({ anyOf, oneOf, allOf }: Schema): Schema[] | undefined {
  return anyOf ?? oneOf ?? allOf;
}

function distinct(parts: readonly Html[]): Html[] {
  return [...new Map(parts.map((part) => [part.text, part])).values()];
}

function limitsOf(schema: Schema): string {
  const { minimum, maximum, maxLength, maxItems, pattern } = schema;
  const limits = [
    schema.default === undefined ? "" : `${JSON.stringify(schema.default)} when left out`,
    minimum === undefined ? "" : `from ${minimum}`,
    maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? "" : `to ${maximum}`,
    maxLength === undefined ? "" : `at most ${maxLength} characters`,
    maxItems === undefined ? "" : `at most ${maxItems}`,
    pattern === undefined ? "" : `matches ${pattern}`,
  ];
  return limits.filter((limit) => limit !== "").join(", ");
}
