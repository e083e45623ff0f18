// SHA-256 (FIPS 180-4) of four messages at once, a lane of 128 bits each, as a WebAssembly module. It is written here instruction by instruction:
// JavaScript has no vectors, and node:crypto hashes one message in a call that costs more than the hashing.

/** Of the module's memory: the round constants, four times the pointers of a group, then room for messages and digests. */
export const CONSTANTS_BYTES = 256;
const BLOCK_BYTES = 64;
/** Of a digest, words that are kept: 128 bits. */
export const DIGEST_WORDS = 4;
const STATE_WORDS = 8;
const LANES = 4;
const VECTOR_BYTES = 16;

/**
 * The module's function: `groups` times four messages of `blocks` blocks, padded, each where a pointer of four bytes at `pointers` says; their digests go
 * to `digests`, word by word: the first words of the four messages, the second ones, and so on.
 */
export interface Sha256Lanes {
  memory: { buffer: ArrayBuffer };
  digest(pointers: number, groups: number, blocks: number, digests: number): void;
}

/** Node's types know of it only that it is there. */
const { WebAssembly: wasm } = globalThis as unknown as {
  WebAssembly: {
    Module: new (bytes: Uint8Array) => object;
    Instance: new (module: object) => { exports: object };
  };
};

/** @param pages of 64 KiB, the constants included */
export function sha256Lanes(pages: number): Sha256Lanes {
  const instance = new wasm.Instance(new wasm.Module(moduleBytes(pages)));
  const lanes = instance.exports as Sha256Lanes;
  new Int32Array(lanes.memory.buffer, 0, ROUND.length).set(ROUND);
  return lanes;
}

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
const INITIAL = rootBits(STATE_WORDS, Math.sqrt);

// https://webassembly.github.io/spec/core/binary/instructions.html
const [I32, V128] = [0x7f, 0x7b];
const [BLOCK, LOOP, END, BRANCH, BRANCH_IF] = [0x02, 0x03, 0x0b, 0x0c, 0x0d];
const NO_RESULT = 0x40;
const vector = (code: number) => [0xfd, ...unsigned(code)];
const [IS_ZERO, ADD_I32, SUBTRACT_I32] = [0x45, 0x6a, 0x6b];
const SHIFT_LEFT = vector(171);
const SHIFT_RIGHT = vector(173);
const ADD = vector(174);
const OR = vector(80);
const XOR = vector(81);
const SELECT = vector(82);
const TO_ALL_LANES = vector(17);

const get = (local: number) => [0x20, ...unsigned(local)];
const set = (local: number) => [0x21, ...unsigned(local)];
const int = (value: number) => [0x41, ...signed(value)];
const at = (offset: number) => [...unsigned(0), ...unsigned(offset)];
const loadInt = (offset: number) => [0x28, ...at(offset)];
const load = (offset: number) => [...vector(0), ...at(offset)];
const loadToAllLanes = (offset: number) => [...vector(9), ...at(offset)];
const store = (offset: number) => [...vector(11), ...at(offset)];
const shuffle = (bytes: number[]) => [...vector(13), ...bytes];
const increase = (local: number, by: number) => [...get(local), ...int(by), ADD_I32, ...set(local)];

const range = (count: number) => Array.from({ length: count }, (_, n) => n);

// Locals: the parameters, then numbers, then vectors.
const [POINTERS, GROUPS, BLOCKS, DIGESTS] = [0, 1, 2, 3];
const [LEFT, MESSAGES] = [4, 5];
const NUMBERS = 1 + LANES;
const SCHEDULE = MESSAGES + LANES;
const STATE = SCHEDULE + 16;
const WORKING = STATE + STATE_WORDS;
const SUM = WORKING + STATE_WORDS;
const VECTORS = 16 + 2 * STATE_WORDS + 1;

function rotated(local: number, bits: number): number[] {
  const right = [...get(local), ...int(bits), ...SHIFT_RIGHT];
  return [...right, ...get(local), ...int(32 - bits), ...SHIFT_LEFT, ...OR];
}

/** Of a word of the schedule: the small sigmas of FIPS 180-4. */
function smallSigma(local: number, one: number, other: number, shift: number): number[] {
  const shifted = [...get(local), ...int(shift), ...SHIFT_RIGHT];
  return [...rotated(local, one), ...rotated(local, other), ...XOR, ...shifted, ...XOR];
}

function largeSigma(local: number, [one, two, three]: readonly [number, number, number]): number[] {
  return [...rotated(local, one), ...rotated(local, two), ...XOR, ...rotated(local, three), ...XOR];
}

const scheduled = (n: number) => SCHEDULE + (n % 16);

/** Takes the place of the word sixteen before it. */
function scheduleWord(n: number): number[] {
  return [
    ...get(scheduled(n)),
    ...smallSigma(scheduled(n + 1), 7, 18, 3),
    ...ADD,
    ...get(scheduled(n + 9)),
    ...ADD,
    ...smallSigma(scheduled(n + 14), 17, 19, 10),
    ...ADD,
    ...set(scheduled(n)),
  ];
}

/** The working variables keep their places and change their names from round to round. */
function round(n: number): number[] {
  const variable = (name: number) => WORKING + ((name + 64 - n) % STATE_WORDS);
  const [a, b, c, d, e, f, g, h] = range(STATE_WORDS).map(variable) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return [
    ...(n < 16 ? [] : scheduleWord(n)),
    ...get(h),
    ...largeSigma(e, [6, 11, 25]),
    ...ADD,
    ...[...get(f), ...get(g), ...get(e), ...SELECT],
    ...ADD,
    ...[...int(0), ...loadToAllLanes(4 * n)],
    ...ADD,
    ...get(scheduled(n)),
    ...ADD,
    ...set(SUM),
    ...[...get(d), ...get(SUM), ...ADD, ...set(d)],
    // Of three, what most have: where two differ, the third decides.
    ...[...get(c), ...get(a), ...get(a), ...get(b), ...XOR, ...SELECT],
    ...largeSigma(a, [2, 13, 22]),
    ...ADD,
    ...get(SUM),
    ...ADD,
    ...set(h),
  ];
}

/** Four words of each of the four messages, a message a vector, become four vectors, a word each; bytes in order of their weight. */
function loadWords(quad: number): number[] {
  const [a, b, c, d] = range(LANES).map((lane) => scheduled(4 * quad + lane)) as [
    number,
    number,
    number,
    number,
  ];
  const loads = [a, b, c, d].flatMap((local, lane) => [
    ...get(MESSAGES + lane),
    ...load(VECTOR_BYTES * quad),
    ...set(local),
  ]);
  const words = (list: number[]) => list.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte));
  const reversed = (list: number[]) => list.flatMap((word) => [3, 2, 1, 0].map((byte) => 4 * word + byte));
  const pair = (one: number, other: number, picked: number[]) => [
    ...get(one),
    ...get(other),
    ...shuffle(picked),
  ];
  return [
    ...loads,
    // a: a0 b0 a1 b1, b: a2 b2 a3 b3, and the same of c and d.
    ...[...pair(a, b, words([0, 4, 1, 5])), ...pair(a, b, words([2, 6, 3, 7])), ...set(b), ...set(a)],
    ...[...pair(c, d, words([0, 4, 1, 5])), ...pair(c, d, words([2, 6, 3, 7])), ...set(d), ...set(c)],
    ...[...pair(a, c, reversed([0, 1, 4, 5])), ...pair(a, c, reversed([2, 3, 6, 7]))],
    ...[...pair(b, d, reversed([0, 1, 4, 5])), ...pair(b, d, reversed([2, 3, 6, 7]))],
    ...[...set(d), ...set(c), ...set(b), ...set(a)],
  ];
}

function digestFunction(): number[] {
  const state = range(STATE_WORDS);
  const group = [
    ...range(LANES).flatMap((lane) => [...get(POINTERS), ...loadInt(4 * lane), ...set(MESSAGES + lane)]),
    ...state.flatMap((n) => [...int(INITIAL[n] as number), ...TO_ALL_LANES, ...set(STATE + n)]),
    ...[...get(BLOCKS), ...set(LEFT)],
    ...[LOOP, NO_RESULT],
    ...range(LANES).flatMap(loadWords),
    ...state.flatMap((n) => [...get(STATE + n), ...set(WORKING + n)]),
    ...range(64).flatMap(round),
    ...state.flatMap((n) => [...get(STATE + n), ...get(WORKING + n), ...ADD, ...set(STATE + n)]),
    ...range(LANES).flatMap((lane) => increase(MESSAGES + lane, BLOCK_BYTES)),
    ...[...increase(LEFT, -1), ...get(LEFT), BRANCH_IF, 0, END],
    ...range(DIGEST_WORDS).flatMap((n) => [...get(DIGESTS), ...get(STATE + n), ...store(VECTOR_BYTES * n)]),
    ...increase(POINTERS, 4 * LANES),
    ...increase(DIGESTS, VECTOR_BYTES * DIGEST_WORDS),
  ];
  const locals = [
    ...vectorOf([
      [...unsigned(NUMBERS), I32],
      [...unsigned(VECTORS), V128],
    ]),
  ];
  const body = [
    ...[BLOCK, NO_RESULT, LOOP, NO_RESULT],
    ...[...get(GROUPS), IS_ZERO, BRANCH_IF, 1],
    ...group,
    ...[...get(GROUPS), ...int(1), SUBTRACT_I32, ...set(GROUPS), BRANCH, 0, END, END],
  ];
  return sized([...locals, ...body, END]);
}

// https://webassembly.github.io/spec/core/binary/modules.html
function moduleBytes(pages: number): Uint8Array<ArrayBuffer> {
  const parameters = [POINTERS, GROUPS, BLOCKS, DIGESTS].map(() => [I32]);
  const type = [0x60, ...vectorOf(parameters), ...vectorOf([])];
  const name = (text: string) => vectorOf([...Buffer.from(text)].map((byte) => [byte]));
  const exported = [
    [...name("memory"), 0x02, 0],
    [...name("digest"), 0x00, 0],
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vectorOf([type])),
    ...section(3, vectorOf([[0]])),
    ...section(5, vectorOf([[0x00, ...unsigned(pages)]])),
    ...section(7, vectorOf(exported)),
    ...section(10, vectorOf([digestFunction()])),
  ]);
}

function section(id: number, content: number[]): number[] {
  return [id, ...sized(content)];
}

function sized(content: number[]): number[] {
  return [...unsigned(content.length), ...content];
}

function vectorOf(items: number[][]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  const rest = value >> 7;
  const isLast = (rest === 0 && (value & 0x40) === 0) || (rest === -1 && (value & 0x40) !== 0);
  return isLast ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(rest)];
}
