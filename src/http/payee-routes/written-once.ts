import type { z } from "zod";

/** By what they were made from: they are forgotten with it. */
const written = new WeakMap<object, Buffer>();

/**
 * An answer as JSON. All of it but `as_of` is checked against its schema and written out the first time that it is made from
 * `from`: of long ones that is most of what they cost.
 */
export function writtenOnce(schema: z.ZodType, body: unknown, from: object): Buffer[] {
  const { as_of, ...rest } = body as { as_of: string };
  const known = written.get(from);
  const text =
    known ??
    Buffer.from(JSON.stringify({ ...(schema.parse({ as_of, ...rest }) as object), as_of: undefined }));
  if (known === undefined) written.set(from, text);
  // Without its opening brace: the moment stands first.
  return [Buffer.from(`{"as_of":${JSON.stringify(as_of)},`), text.subarray(1)];
}
