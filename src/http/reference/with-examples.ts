import { curlOf } from "./curl.ts";
import { exampleOf, type Schema } from "./example.ts";
import { ANSWERS, BODIES } from "./named-examples.ts";

export interface Media {
  schema?: Schema;
  example?: unknown;
}

export interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema: Schema;
  description?: string;
  example?: unknown;
}

export interface Operation {
  summary?: string;
  tags?: string[];
  description?: string;
  deprecated?: boolean;
  security?: unknown[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, Media> };
  responses: Record<string, { description?: string; content?: Record<string, Media> }>;
  "x-codeSamples"?: { lang: string; label: string; source: string }[];
}

export interface ApiDocument {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/** Gives each operation an example of what it takes and answers, and the call of it with curl, made from the same. */
export function withExamples<T>(written: T): Omit<T, keyof ApiDocument> & ApiDocument {
  const document = JSON.parse(JSON.stringify(written)) as Omit<T, keyof ApiDocument> & ApiDocument;
  const { schemas } = document.components;
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      for (const parameter of operation.parameters ?? []) {
        const { name, schema, required } = parameter;
        if (required) parameter.example = exampleOf(schema, { schemas, path, within: [] }, name);
      }
      const body = BODIES[`${method} ${path}`];
      for (const [type, media] of Object.entries(operation.requestBody?.content ?? {}))
        media.example = exampleFor(media, type.includes("batch") && body !== undefined ? [body] : body);
      for (const [status, response] of Object.entries(operation.responses)) {
        if (!status.startsWith("2")) continue;
        const media = response.content?.["application/json"];
        if (media !== undefined) media.example = exampleFor(media, ANSWERS[`${method} ${path}`]);
      }
      operation["x-codeSamples"] = [
        { lang: "Shell", label: "curl", source: curlOf(method, path, operation) },
      ];

      function exampleFor({ schema = {} }: Media, declared: unknown): unknown {
        return declared ?? exampleOf(schema, { schemas, path, within: [] });
      }
    }
  }
  return document;
}
