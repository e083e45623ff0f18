import type { Sql } from "../postgres/index.ts";
import { type InputSchema, isSecretSchema, redactJson } from "../secrets/index.ts";

/** Declares what a version's input looks like. Examples and defaults of its secrets are left out. */
export async function setInputSchema(
  sql: Sql,
  { model, version, schema }: { model: string; version: string; schema: InputSchema },
): Promise<InputSchema> {
  const kept = redactJson(withoutExamples(schema)) as InputSchema;
  await sql`
    INSERT INTO version_schema (model, version, input_schema)
    VALUES (${model}, ${version}, ${JSON.stringify(kept)}::text::jsonb)
    ON CONFLICT (model, version) DO UPDATE SET input_schema = excluded.input_schema, set_at = now()`;
  return kept;
}

export async function findInputSchema(
  sql: Sql,
  model: string,
  version: string,
): Promise<InputSchema | undefined> {
  const [row] = await sql<{ input_schema: InputSchema }[]>`
    SELECT input_schema FROM version_schema WHERE model = ${model} AND version = ${version}`;
  return row?.input_schema;
}

/**
 * By model: the schema of the version that ran; of one that declared none, those of all the model's versions, since a secret of
 * one is likely one of the next.
 */
export async function schemasFor(
  sql: Sql,
  ran: readonly { model: string; version: string }[],
): Promise<(model: string, version: string) => InputSchema[]> {
  const models = [...new Set(ran.map(({ model }) => model))];
  const rows = await sql<{ model: string; version: string; input_schema: InputSchema }[]>`
    SELECT model, version, input_schema FROM version_schema WHERE model IN ${sql(models)}`;
  return (model, version) => {
    const all = rows.filter((row) => row.model === model);
    const own = all.filter((row) => row.version === version);
    return (own.length > 0 ? own : all).map(({ input_schema }) => input_schema);
  };
}

function withoutExamples(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(withoutExamples);
  const secret = isSecretSchema(schema as Record<string, unknown>);
  const kept = Object.entries(schema).filter(
    ([key]) => !(secret && ["default", "example", "examples", "enum", "const"].includes(key)),
  );
  return Object.fromEntries(kept.map(([key, held]) => [key, withoutExamples(held)]));
}
