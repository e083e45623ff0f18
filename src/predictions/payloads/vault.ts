import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;

/** Encrypts data keys. It is known by a part of its hash, so that nobody has to number it. */
export interface MasterKey {
  id: string;
  bytes: Buffer;
}

export function masterKey(bytes: Buffer): MasterKey {
  return {
    id: createHash("sha256").update("tributary master key").update(bytes).digest("hex").slice(0, 16),
    bytes,
  };
}

export function newDataKey(): Buffer {
  return randomBytes(KEY_BYTES);
}

/**
 * AES-256-GCM: nonce, ciphertext, tag. `about` says what it is and whose; it is not part of the result, and opening with
 * another one fails, so that nothing can be put in another's place. A key encrypts what one customer sends in a month,
 * far below the 2^32 messages that random nonces allow.
 */
export function seal(key: Buffer, plain: Buffer, about: readonly string[]): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(aad(about));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @throws Error when anything of it was changed, or it was sealed with another key or about something else */
export function open(key: Buffer, sealed: Buffer, about: readonly string[]): Buffer {
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES }).setAAD(
    aad(about),
  );
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const plain = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
  return Buffer.concat([plain, decipher.final()]);
}

/** Each part with its length before it: no two lists are the same bytes. */
function aad(parts: readonly string[]): Buffer {
  return Buffer.from(parts.map((part) => `${part.length}:${part}`).join(""));
}
