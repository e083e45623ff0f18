import { type Html, html, prose } from "./html.ts";
import { fieldsOf, fieldView, kindOf } from "./schema-view.ts";
import { anchorOf } from "./subjects.ts";
import type { Media, Operation } from "./with-examples.ts";

/** One operation as its page shows it: what it takes, how it is called, what it answers. */
export function operationView(method: string, path: string, operation: Operation): Html {
  const { summary = "", description = "", deprecated, parameters = [] } = operation;
  const [curl] = operation["x-codeSamples"] ?? [];
  const wheres = parameters.map((parameter) => {
    const note = `${parameter.required ? "" : "optional, "}in the ${parameter.in}`;
    const { description: said = parameter.schema.description } = parameter;
    return fieldView(parameter.name, { ...parameter.schema, ...(said ? { description: said } : {}) }, note);
  });
  return html`<section class="operation" id="${anchorOf(method, path)}">
<h2><span class="method">${method.toUpperCase()}</span> <code>${path}</code></h2>
<p>${prose(summary)}.</p>
<p class="${deprecated ? "deprecated" : "dim"}">${prose(description)}</p>
${wheres.length === 0 ? undefined : html`<h3>Parameters</h3><ul class="fields">${wheres}</ul>`}
${bodyView(operation)}
${curl === undefined ? undefined : html`<h3>With curl</h3><pre><code>${curl.source}</code></pre>`}
${Object.entries(operation.responses).flatMap(([status, response]) => answerView(status, response))}
</section>
`;
}

function bodyView({ requestBody }: Operation): Html | undefined {
  if (requestBody === undefined) return undefined;
  const types = Object.entries(requestBody.content);
  const [first] = types;
  return html`<h3>Body</h3>
<p class="dim">${types.map(([type]) => type).join(" or ")}${requestBody.required ? "" : ", may be left out"}</p>
${first === undefined ? undefined : schemaView(first[1])}`;
}

function answerView(status: string, response: Operation["responses"][string]): Html[] {
  // That it may be a problem document is said once, at the beginning.
  if (status === "default") return [];
  const types = Object.keys(response.content ?? {});
  const media = response.content?.["application/json"];
  return [
    html`<h3>Answer ${status}</h3>
<p class="dim">${types.length === 0 ? "without a body" : types.join(", or as you ask for it: ")}</p>
${media === undefined ? undefined : html`${schemaView(media)}<pre><code>${shown(media.example)}</code></pre>`}`,
  ];
}

function schemaView({ schema = {} }: Media): Html {
  return html`<p>${kindOf(schema)}</p>${fieldsOf(schema)}`;
}

function shown(example: unknown): string {
  return JSON.stringify(example, null, 2);
}
