import type { Request } from "express";
import type { z } from "zod";
import { Refusal } from "../../kernel/index.ts";

/** The names in a schema of an object, whatever is asked or made of it as a whole. */
function namesOf(schema: z.ZodType): string[] {
  const { def } = schema as z.ZodObject | z.ZodPipe;
  return def.type === "pipe" ? namesOf(def.in as z.ZodType) : Object.keys(def.shape);
}

/**
 * Refuses a parameter that the route does not know. Bodies are as strict: whoever writes `dryrun` for `dry_run` would
 * carry out what was to be tried.
 * @throws Refusal parameter_invalid
 */
export function refuseUnknownParameters(schema: z.ZodType | undefined): (request: Request) => void {
  const known = new Set(schema === undefined ? [] : namesOf(schema));
  return (request) => {
    if (!request.url.includes("?")) return;
    const unknown = Object.keys(request.query).filter((name) => !known.has(name));
    if (unknown.length === 0) return;
    const message = `no parameter of this route, which takes ${[...known].join(", ") || "none"}`;
    throw new Refusal(
      "parameter_invalid",
      `${unknown[0]}: ${message}`,
      unknown.map((path) => ({ path, code: "unrecognized_keys", message })),
    );
  };
}
