/** A name that holds one of these words is a secret's. */
const WORDS = new Set([
  "password",
  "passwords",
  "passwd",
  "pwd",
  "passphrase",
  "passcode",
  "secret",
  "secrets",
  "authorization",
  "auth",
  "bearer",
  "cookie",
  "cookies",
  "credential",
  "credentials",
  "apikey",
  "apikeys",
  "jwt",
  "otp",
]);

/** So does one that holds these words beside each other. */
const PHRASES =
  /(api|access|private|secret|auth|signing|encryption|session|subscription|account|master)keys?|(access|auth|refresh|session|api|id|bearer|security)tokens?|sessionid/;

/** Words before "token" that make it part of a text, or of a list in pages. */
const TEXT_TOKENS = new Set("eos bos pad stop unk sep cls mask start end first last next max".split(" "));

/**
 * Whether a key or header of this name holds a secret, in any spelling: `HF_TOKEN`, `x-api-key`, `dbPassword`. Counts of
 * tokens (`max_tokens`) and tokens of a text (`eos_token`) are none.
 */
export function isSecretName(name: string): boolean {
  if (name.length > 128) return false;
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
  if (words.some((word) => WORDS.has(word))) return true;
  if (words.at(-1) === "token") return !TEXT_TOKENS.has(words.at(-2) ?? "");
  return PHRASES.test(words.join("")) && !words.includes("count");
}
