export { type InputSchema, isSecretSchema } from "./input-schema.ts";
export { REDACTED } from "./known-secrets.ts";
export { type Payload, redactJson, redactPayload, redactText } from "./redact.ts";
export { looksLikeKey, redactedBytes } from "./redacted-bytes.ts";
