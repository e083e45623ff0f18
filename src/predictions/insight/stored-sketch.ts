import { DDSketch } from "@datadog/sketches-js";

/** No percentile is off by more than this part of itself. */
export const RELATIVE_ACCURACY = 0.01;

/** How many values are in each bin of a sketch: bin 0 has the zeros, bin n + 1 what the library keeps under the key n. */
export type Bins = Map<number, number>;

/** Numbers below this are written once. */
const WRITTEN_MAX = 8192;

const { mapping } = emptySketch();

export function emptySketch(): DDSketch {
  return new DDSketch({ relativeAccuracy: RELATIVE_ACCURACY });
}

/** The bin of a whole number of microseconds, from 0. */
export function binOf(micros: number): number {
  return micros < 1 ? 0 : mapping.key(micros) + 1;
}

/** The bins as a sketch that percentiles are read from. */
export function sketchOf(bins: Bins): DDSketch {
  const sketch = emptySketch();
  // A bin's own value lies in the middle of it, and so comes into it again.
  for (const [bin, count] of bins) sketch.accept(bin === 0 ? 0 : mapping.value(bin - 1), count);
  return sketch;
}

/**
 * A sketch as bytes: each bin that has any and how many, both in base 128, least first, the last byte of each below 128. Three bytes
 * for most bins. Bytes of two sketches one after the other are the sketch of both together.
 */
export function sketchBytes(bins: Bins): Buffer {
  return Buffer.from([...bins].sort(([a], [b]) => a - b).flatMap((pair) => pair.flatMap(base128)));
}

/** A sketch's bytes in hexadecimal, of the bins of single values, which it sorts. */
export function sketchHex(values: number[]): string {
  if (values.length > 1) values.sort((a, b) => a - b);
  let hex = "";
  for (let at = 0; at < values.length; ) {
    const bin = values[at] as number;
    let after = at + 1;
    while (values[after] === bin) after++;
    hex += base128Hex(bin) + base128Hex(after - at);
    at = after;
  }
  return hex;
}

const written: string[] = [];

/** Few numbers are asked for, again and again: a thousand bins reach from a microsecond to a day. */
function base128Hex(number: number): string {
  const known = written[number];
  if (known !== undefined) return known;
  const hex = Buffer.from(base128(number)).toString("hex");
  if (number < WRITTEN_MAX) written[number] = hex;
  return hex;
}

function base128(number: number): number[] {
  const bytes: number[] = [];
  let rest = number;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return bytes;
}

/** Adds what `sketchBytes` wrote, however many one after the other. */
export function addSketchBytes(bins: Bins, bytes: Uint8Array): Bins {
  let bin = -1;
  let value = 0;
  let place = 1;
  for (const byte of bytes) {
    value += (byte % 128) * place;
    place *= 128;
    if (byte >= 128) continue;
    if (bin < 0) bin = value;
    else {
      bins.set(bin, (bins.get(bin) ?? 0) + value);
      bin = -1;
    }
    value = 0;
    place = 1;
  }
  return bins;
}

export function readSketch(bytes: Uint8Array): DDSketch {
  return sketchOf(addSketchBytes(new Map(), bytes));
}
