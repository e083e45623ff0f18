import { DDSketch } from "@datadog/sketches-js";

/** No percentile is off by more than this part of itself. */
export const RELATIVE_ACCURACY = 0.01;

const BIN_BYTES = 12;

export function emptySketch(): DDSketch {
  return new DDSketch({ relativeAccuracy: RELATIVE_ACCURACY });
}

/**
 * A sketch as bytes: how many values were zero (a double), then the key (32 bits) and the count (a double) of each bin that has
 * any, big-endian. The library's own protobuf would need one more package, and has every empty bin between.
 */
export function sketchBytes({ store, zeroCount }: DDSketch): Buffer {
  const bins = store.bins
    .map((count, at) => ({ key: at + store.offset, count }))
    .filter(({ count }) => count > 0);
  const bytes = Buffer.alloc(8 + bins.length * BIN_BYTES);
  bytes.writeDoubleBE(zeroCount);
  for (const [n, { key, count }] of bins.entries()) {
    bytes.writeInt32BE(key, 8 + n * BIN_BYTES);
    bytes.writeDoubleBE(count, 12 + n * BIN_BYTES);
  }
  return bytes;
}

export function readSketch(bytes: Buffer): DDSketch {
  const sketch = emptySketch();
  const zeros = bytes.readDoubleBE(0);
  if (zeros > 0) sketch.accept(0, zeros);
  // A bin's own value lies in the middle of it, and so comes into it again.
  for (let at = 8; at < bytes.length; at += BIN_BYTES)
    sketch.accept(sketch.mapping.value(bytes.readInt32BE(at)), bytes.readDoubleBE(at + 4));
  return sketch;
}
