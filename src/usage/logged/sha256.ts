const BLOCK_BYTES = 64;
const LENGTH_BYTES = 8;

/** The first 32 bits of what follows the point in the n-th primes' cube or square roots: FIPS 180-4 takes its constants so. */
function rootBits(count: number, root: (prime: number) => number): Int32Array {
  const bits = new Int32Array(count);
  for (let n = 0, candidate = 2; n < count; candidate++) {
    if (!isPrime(candidate)) continue;
    bits[n++] = (root(candidate) % 1) * 2 ** 32;
  }
  return bits;
}

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
}

const ROUND = rootBits(64, Math.cbrt);
const INITIAL = rootBits(8, Math.sqrt);
const schedule = new Int32Array(64);

/**
 * SHA-256 of the first `length` bytes, as eight words into `digest`. For texts of some fifty bytes this takes half the time
 * of the call into node:crypto, and it needs neither a text to hash nor one for the answer. What follows the
 * `length` bytes is overwritten: `bytes` must have room for 72 more.
 */
export function sha256(bytes: Uint8Array, length: number, digest: Int32Array): void {
  const padded = (length + LENGTH_BYTES + BLOCK_BYTES) & -BLOCK_BYTES;
  bytes[length] = 0x80;
  for (let at = length + 1; at < padded - 4; at++) bytes[at] = 0;
  const bits = length * 8;
  for (let n = 1; n <= 4; n++) bytes[padded - n] = bits >>> (8 * (n - 1));
  for (let n = 0; n < 8; n++) digest[n] = word(INITIAL, n);
  for (let at = 0; at < padded; at += BLOCK_BYTES) mix(bytes, at, digest);
}

function mix(bytes: Uint8Array, start: number, digest: Int32Array): void {
  const w = schedule;
  for (let i = 0, at = start; i < 16; i++, at += 4)
    w[i] =
      (word(bytes, at) << 24) |
      (word(bytes, at + 1) << 16) |
      (word(bytes, at + 2) << 8) |
      word(bytes, at + 3);
  for (let i = 16; i < 64; i++) {
    const x = word(w, i - 15);
    const y = word(w, i - 2);
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (word(w, i - 16) + s0 + word(w, i - 7) + s1) | 0;
  }
  let a = word(digest, 0);
  let b = word(digest, 1);
  let c = word(digest, 2);
  let d = word(digest, 3);
  let e = word(digest, 4);
  let f = word(digest, 5);
  let g = word(digest, 6);
  let h = word(digest, 7);
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + word(ROUND, i) + word(w, i)) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  digest[0] = word(digest, 0) + a;
  digest[1] = word(digest, 1) + b;
  digest[2] = word(digest, 2) + c;
  digest[3] = word(digest, 3) + d;
  digest[4] = word(digest, 4) + e;
  digest[5] = word(digest, 5) + f;
  digest[6] = word(digest, 6) + g;
  digest[7] = word(digest, 7) + h;
}

/** What is there: every index above is within its array. */
function word(words: Int32Array | Uint8Array, at: number): number {
  return words[at] as number;
}
