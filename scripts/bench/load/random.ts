/** Uniform in [0, 1), from a seed (mulberry32, Tommy Ettinger, public domain): fast enough to make millions of events. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const SLOTS = 1 << 17;

/** Draws ranks 0 to n-1, rank r with weight 1 / (r + 1)^s: one look into a table for each draw. */
export function zipf(n: number, s: number): (random: () => number) => number {
  const weights = Array.from({ length: n }, (_, rank) => 1 / (rank + 1) ** s);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const table = new Uint16Array(SLOTS);
  let rank = 0;
  let cumulative = weights[0] ?? 0;
  for (let slot = 0; slot < SLOTS; slot++) {
    while (rank < n - 1 && (slot + 0.5) / SLOTS > cumulative / total) {
      rank += 1;
      cumulative += weights[rank] ?? 0;
    }
    table[slot] = rank;
  }
  return (random) => table[Math.floor(random() * SLOTS)] ?? 0;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const TRIPLES = [...LETTERS].flatMap((a) => [...LETTERS].flatMap((b) => [...LETTERS].map((c) => a + b + c)));

/** 26 letters, as predictions are named: "ufawqhfynnddngldkgtslldrkq". */
export function predictionId(random: () => number): string {
  let id = "";
  for (let triple = 0; triple < 8; triple++) id += TRIPLES[Math.floor(random() * TRIPLES.length)];
  return id + TRIPLES[Math.floor(random() * TRIPLES.length)]?.slice(0, 2);
}
