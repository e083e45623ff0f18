import type Stripe from "stripe";
import { invalidRequest } from "./errors.ts";

type FormValue = string | Form;
export interface Form {
  [name: string]: FormValue;
}

const NAME = /^[^[\]]+(\[[^[\]]*\])*$/;
const DEPTH_MAX = 8;
const METADATA_MAX = { keys: 50, nameLength: 40, valueLength: 500 };

/** Reads Stripe's form encoding: `a=1`, `metadata[payee]=ada`, `created[gte]=1`. */
export function parseForm(encoded: string): Form {
  const form = emptyForm();
  for (const [name, value] of new URLSearchParams(encoded)) {
    const path = name.split("[").map((part) => part.replace(/\]$/, ""));
    if (!NAME.test(name) || path.length > DEPTH_MAX || path.includes("__proto__"))
      throw invalidRequest(undefined, `Invalid parameter name: ${name.slice(0, 100)}`);
    put(form, path, value);
  }
  return form;
}

function emptyForm(): Form {
  return Object.create(null);
}

function put(into: Form, path: string[], value: string): void {
  const [head = "", ...rest] = path;
  if (rest.length === 0) {
    into[head] = value;
    return;
  }
  const known = into[head];
  const inner = typeof known === "object" ? known : emptyForm();
  into[head] = inner;
  put(inner, rest, value);
}

/** @throws StripeProblem parameter_unknown for a name that the endpoint does not know */
export function only(form: Form, ...known: string[]): void {
  for (const name of Object.keys(form)) {
    if (!known.includes(name) && name !== "expand")
      throw invalidRequest("parameter_unknown", `Received unknown parameter: ${name}`, name);
  }
}

/** Stripe reads an empty optional parameter as none. */
export function text(form: Form, name: string): string | undefined {
  const value = form[name];
  if (value === undefined || value === "") return undefined;
  if (typeof value !== "string") throw invalidRequest(undefined, "Invalid string", name);
  return value;
}

/** @throws StripeProblem parameter_missing, parameter_invalid_empty */
export function requiredText(form: Form, name: string): string {
  const value = text(form, name);
  if (value !== undefined) return value;
  if (form[name] === undefined)
    throw invalidRequest("parameter_missing", `Missing required param: ${name}.`, name);
  throw invalidRequest("parameter_invalid_empty", `You passed an empty string for '${name}'.`, name);
}

/** A whole number of at most 15 digits, and so a safe integer. @throws StripeProblem parameter_invalid_integer */
export function integer(form: Form, name: string, min = 0): number | undefined {
  const value = text(form, name);
  if (value === undefined) return undefined;
  if (!/^-?\d{1,15}$/.test(value))
    throw invalidRequest("parameter_invalid_integer", `Invalid integer: ${value.slice(0, 100)}`, name);
  const number = Number(value);
  if (number < min) {
    const message = `This value must be greater than or equal to ${min}.`;
    throw invalidRequest("parameter_invalid_integer", message, name);
  }
  return number;
}

/** A nested parameter, such as `created[gte]`; empty when it is not given. */
export function group(form: Form, name: string): Form {
  const value = form[name] ?? "";
  if (typeof value === "object") return value;
  if (value !== "") throw invalidRequest(undefined, "Invalid hash", name);
  return emptyForm();
}

/** What is given is merged into what was there; an empty value unsets its key, an empty `metadata` all of them. */
export function mergeMetadata(form: Form, before: Stripe.Metadata = {}): Stripe.Metadata {
  if (form.metadata === "") return {};
  const given = group(form, "metadata");
  const merged = { ...before };
  for (const name of Object.keys(given)) {
    merged[name] = text(given, name) ?? "";
    if (name.length > METADATA_MAX.nameLength || merged[name].length > METADATA_MAX.valueLength)
      throw invalidRequest(undefined, `Metadata '${name.slice(0, 40)}' is too long.`, "metadata");
  }
  const kept = Object.entries(merged).filter(([, value]) => value !== "");
  if (kept.length > METADATA_MAX.keys)
    throw invalidRequest(undefined, `Metadata can have at most ${METADATA_MAX.keys} keys.`, "metadata");
  return Object.fromEntries(kept);
}
