import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { billedContent, eventIdentity, type UsageEvent } from "../../src/usage/index.ts";

const texts = fc.oneof(
  fc.string({ unit: "binary", minLength: 1 }),
  fc.string({ unit: fc.constantFrom("1", ":", "a", "é", "😀"), minLength: 1, maxLength: 6 }),
);

const quantities = fc.uniqueArray(
  fc.tuple(fc.constantFrom("runs", "images", "input_tokens", "f1", "f"), fc.bigInt(0n, 30n)),
  {
    selector: ([meter]) => meter,
  },
);
const events = fc.record({
  source: texts,
  id: texts,
  occurredAt: fc.bigInt(0n, 3n),
  customer: fc.constantFrom("acme", "acme2"),
  model: fc.constantFrom("a/b", "2a/b"),
  version: fc.constantFrom("", "1", "12"),
  status: fc.constantFrom("succeeded" as const, "failed" as const),
  parent: fc.constant(null),
  hardware: fc.constant(null),
  quantities: quantities.map((list) => new Map(list)),
});

function billed({ occurredAt, customer, model, version, status, quantities: map }: UsageEvent): string {
  const sorted = [...map].sort().map(([meter, quantity]) => [meter, `${quantity}`]);
  return JSON.stringify([`${occurredAt}`, customer, model, version, status, sorted]);
}

describe("an identity", () => {
  test("is the same for the same source and id, and another for every other pair", () => {
    fc.assert(
      fc.property(texts, texts, texts, texts, (source, id, source2, id2) => {
        const same = source === source2 && id === id2;
        expect(eventIdentity(source, id) === eventIdentity(source2, id2)).toBe(same);
        expect(eventIdentity(source, id)).toMatch(/^[0-9a-f]{32}$/);
      }),
    );
  });

  test("of an event that was metered long ago is what it was then", () => {
    const identity = eventIdentity("//predictor/eu-1", "ufawqhfynnddngldkgtslldrkq");
    const bytes = createHash("sha256")
      .update("16://predictor/eu-126:ufawqhfynnddngldkgtslldrkq")
      .digest("hex");
    expect(identity).toBe(bytes.slice(0, 32));
    expect(identity).toBe("0655af9cfd9d5f1ebf58c518a3efa125");
  });

  test("tells apart pairs that are the same text when put together", () => {
    const cuts = fc.string({ unit: fc.constantFrom("1", "2", ":", "a"), minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(cuts, (text) => {
        const pairs = Array.from(text, (_, at) => eventIdentity(text.slice(0, at), text.slice(at)));
        expect(new Set(pairs).size).toBe(text.length);
        const nested = Array.from(text, (_, at) =>
          eventIdentity(`${at}:${text.slice(0, at)}`, text.slice(at)),
        );
        expect(new Set([...pairs, ...nested]).size).toBe(2 * text.length);
      }),
      { numRuns: 500 },
    );
  });
});

describe("the content of an event", () => {
  test("is the same exactly when every field that decides what is charged is the same", () => {
    fc.assert(
      fc.property(events, events, (a, b) => {
        expect(billedContent(a) === billedContent(b)).toBe(billed(a) === billed(b));
        const { version, ...rest } = a;
        expect(billedContent({ ...rest, version: `${version}x` })).not.toBe(billedContent(a));
      }),
      { numRuns: 500 },
    );
  });

  test("fits PostgreSQL's bigint, and takes both signs", () => {
    const seen = new Set<boolean>();
    fc.assert(
      fc.property(events, (event) => {
        const content = billedContent(event);
        expect(BigInt.asIntN(64, content)).toBe(content);
        seen.add(content < 0n);
      }),
    );
    expect(seen.size).toBe(2);
  });

  test("does not depend on the order of the metrics, nor on source, id or parent", () => {
    fc.assert(
      fc.property(events, texts, (event, text) => {
        const reversed = new Map([...event.quantities].reverse());
        const other = { ...event, quantities: reversed, source: text, id: text, parent: text };
        expect(billedContent(other)).toBe(billedContent(event));
      }),
    );
  });
});
