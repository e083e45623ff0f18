import fc from "fast-check";
import { usageEvent } from "../../support/usage.ts";

/** A record that is no event, whatever else it is: of another type, or not even readable. */
export interface Garbage {
  value: Buffer | null;
  /** What it is counted as: an array of at most a thousand as its elements, anything else as one. */
  counts: number;
}

/** A good event but for its type, so that no accident makes an event of it. */
const nearlyGood = JSON.stringify(usageEvent({ id: "garbage" })).replace(
  "prediction.completed",
  "prediction.other",
);

const anyBytes = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const anyJson = fc.json({ maxDepth: 5 }).map((text) => Buffer.from(text));
const anyFields = fc
  .dictionary(
    fc.constantFrom("id", "source", "time", "subject", "data", "__proto__"),
    fc.jsonValue({ maxDepth: 3 }),
  )
  .map((fields) => Buffer.from(JSON.stringify({ ...JSON.parse(nearlyGood), ...fields })));
const arrays = fc
  .array(fc.oneof(fc.json({ maxDepth: 2 }), fc.constant(nearlyGood)), { maxLength: 20 })
  .map((texts) => Buffer.from(`[${texts.join(" , ")}]`));
/** An event with some of its bytes overwritten. */
const damaged = fc
  .array(fc.tuple(fc.nat(nearlyGood.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
  .map((changes) => {
    const bytes = Buffer.from(nearlyGood);
    for (const [at, byte] of changes) bytes[at] = byte;
    return bytes;
  });
const cutShort = fc.nat(nearlyGood.length).map((length) => Buffer.from(nearlyGood).subarray(0, length));

export const garbage: fc.Arbitrary<Garbage> = fc
  .oneof(anyBytes, anyJson, anyFields, arrays, damaged, cutShort, fc.constant(null))
  .map((value) => ({ value, counts: countOf(value) }));

function countOf(value: Buffer | null): number {
  try {
    const json: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(value ?? Buffer.alloc(0)),
    );
    return Array.isArray(json) ? json.length : 1;
  } catch {
    return 1;
  }
}
