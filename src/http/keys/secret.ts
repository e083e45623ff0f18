import { hash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

const FORM = /^trib_[a-z]+_[\w-]{32}[0-9A-Za-z]{6}$/;
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKSUM_DIGITS = 6;

/**
 * A new secret: `trib_<role>_`, 192 random bits, and a checksum. Scanners for leaked keys know it by the prefix and can tell
 * a real one from a typo without asking anybody.
 */
export function newSecret(role: string): string {
  const body = `trib_${role}_${randomBytes(24).toString("base64url")}`;
  return body + checksumOf(body);
}

/** False for text that cannot be one of our secrets, however it was mistyped. */
export function isSecret(text: string): boolean {
  return FORM.test(text) && text.endsWith(checksumOf(text.slice(0, -CHECKSUM_DIGITS)));
}

/** Enough to tell which key it is, too little to use it. */
export function shownPart(secret: string): string {
  return /^trib_[a-z]+_.{4}/.exec(secret)?.[0] ?? "";
}

/** Secrets have 192 random bits: a plain hash of one tells nothing about it. */
export function hashSecret(secret: string): string {
  return hash("sha256", secret);
}

function checksumOf(body: string): string {
  let rest = crc32(body);
  let digits = "";
  while (digits.length < CHECKSUM_DIGITS) {
    digits = (BASE62[rest % BASE62.length] ?? "0") + digits;
    rest = Math.floor(rest / BASE62.length);
  }
  return digits;
}
