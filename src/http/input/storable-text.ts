import type { Request } from "express";
import { Refusal } from "../../kernel/index.ts";

/** Without it JSON holds neither a NUL nor half a surrogate. */
const ESCAPED = "\\u";

/** No text in the database holds a NUL: nothing has such a name. @throws Refusal parameter_invalid */
export function refuseNul(request: Request): void {
  // It cannot come in any other way: most requests need not be taken apart for it.
  if (!request.url.includes("%00")) return;
  const { params, query } = request;
  for (const [name, text] of Object.entries({ ...params, ...query }))
    if (String(text).includes("\0"))
      throw new Refusal("parameter_invalid", `${name}: take out the NUL (%00)`);
}

/** PostgreSQL takes neither a NUL nor half a surrogate as text. @throws Refusal body_invalid, naming the field */
export function refuseUnstorable(json: unknown, bytes: Buffer): void {
  if (bytes.includes(ESCAPED)) refuseIn(json, "");
}

function refuseIn(json: unknown, path: string): void {
  if (typeof json === "string" && (json.includes("\0") || !json.isWellFormed())) {
    const message = "take out NULs (\\u0000) and halves of surrogates (\\ud800)";
    throw new Refusal("body_invalid", `${path || "body"}: ${message}`, [{ path, code: "custom", message }]);
  }
  if (typeof json !== "object" || json === null) return;
  for (const [name, value] of Object.entries(json)) {
    refuseIn(name, path);
    refuseIn(value, path === "" ? name : `${path}.${name}`);
  }
}
