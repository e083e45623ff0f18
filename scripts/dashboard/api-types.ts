interface Schema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  default?: unknown;
}
interface Operation {
  summary?: string;
  deprecated?: boolean;
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}
export interface ApiDocument {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/**
 * TypeScript for an OpenAPI document: `schemas` by name, and `operations` by "get /v1/…" with path, query, header, body and
 * answer.
 * By hand, since openapi-typescript needs the compiler API of TypeScript 5.
 */
export function apiTypes({ paths, components }: ApiDocument): string {
  const schemas = Object.entries(components.schemas).map(([name, schema]) => `  ${name}: ${typeOf(schema)};`);
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const { parameters = [], requestBody, responses } = operation;
      const inputs = (where: string) => parameters.filter((parameter) => parameter.in === where);
      const bodies = Object.values(requestBody?.content ?? {}).map(({ schema }) => typeOf(schema));
      const success = Object.entries(responses).find(([status]) => status.startsWith("2"))?.[1];
      const answer = success?.content?.["application/json"]?.schema;
      return `  /** ${wordsOf(operation)} */
  ${JSON.stringify(`${method} ${path}`)}: {
    path: ${parametersOf(inputs("path"))};
    query: ${parametersOf(inputs("query"))};
    header: ${parametersOf(inputs("header"))};
    body: ${[...bodies, ...(requestBody?.required ? [] : ["undefined"])].join(" | ")};
    answer: ${answer === undefined ? "null" : typeOf(answer)};
  };`;
    }),
  );
  return `// Made from the OpenAPI document: scripts/dashboard/write-api-types.ts.
export interface schemas {
${schemas.join("\n")}
}
export interface operations {
${operations.join("\n")}
}
`;
}

/** What an editor shows of an operation. */
function wordsOf({ summary = "", deprecated }: Operation): string {
  return `${summary.replaceAll("*/", "* /")}${deprecated ? " @deprecated" : ""}`;
}

function parametersOf(parameters: { name: string; required?: boolean; schema: Schema }[]): string {
  const fields = parameters.map(
    ({ name, required, schema }) => `${JSON.stringify(name)}${required ? "" : "?"}: ${typeOf(schema)}`,
  );
  return `{ ${fields.join("; ")} }`;
}

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return `schemas[${JSON.stringify(schema.$ref.split("/").at(-1))}]`;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return `(${choices.map(typeOf).join(" | ")})`;
  if (schema.allOf !== undefined) return `(${schema.allOf.map(typeOf).join(" & ")})`;
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type })).join(" | ");
  switch (schema.type) {
    case "string":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "null":
      return "null";
    case "array":
      return `(${typeOf(schema.items ?? {})})[]`;
    case "object":
      return objectOf(schema);
    default:
      return "unknown";
  }
}

function objectOf({ properties = {}, required = [], additionalProperties }: Schema): string {
  const fields = Object.entries(properties).map(
    ([name, schema]) => `${JSON.stringify(name)}${required.includes(name) ? "" : "?"}: ${typeOf(schema)}`,
  );
  if (fields.length > 0) return `{ ${fields.join("; ")} }`;
  return typeof additionalProperties === "object"
    ? `Record<string, ${typeOf(additionalProperties)}>`
    : "Record<string, unknown>";
}
