import { type FieldError, Refusal, type RefusalCode } from "../kernel/index.ts";

/** A refusal that names one field of the document. */
export function refusal(code: RefusalCode, path: string, message: string): Refusal {
  const field: FieldError = { path, code, message };
  return new Refusal(code, message, [field]);
}
