import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CatalogDocument } from "../../src/catalog/documents.ts";
import type { Catalog } from "../../src/catalog/index.ts";
import type { CatalogChange } from "../../src/catalog/plan-catalog-change.ts";
import { Refusal } from "../../src/kernel/index.ts";
import { EMPTY, histories, MOMENTS, planned, play, writtenVersions } from "./catalogues.ts";

const PAYEES = ["ada", "bob"].map((id) => ({ id, name: id, country: "US", default_currency: "USD" }));
const shareOf = (payee: string) => ({ take: "shares", shares: [{ payee, weight: 1 }] });
const [JAN = "", FEB = "", MAR = ""] = MOMENTS;

function change(catalog: Catalog, document: unknown): CatalogChange {
  const result = planned(catalog, document as CatalogDocument);
  if (result instanceof Refusal) throw result;
  return result;
}

function codeOf(catalog: Catalog, document: unknown): string {
  const result = planned(catalog, document as CatalogDocument);
  return result instanceof Refusal ? result.code : "taken";
}

/** A document that makes each model from the next of the list. */
function chain(ids: readonly string[]) {
  return ids.map((id, index) => ({ id, payee: "ada", base_model: ids[index + 1] ?? null }));
}

describe("a lineage", () => {
  test("has eight levels at most, whatever the order in which they are told", () => {
    const length = fc.integer({ min: 1, max: 11 });
    const shuffled = length.chain((n) => {
      const models = chain(Array.from({ length: n }, (_, index) => `m/${index}`));
      return fc.shuffledSubarray(models, { minLength: n });
    });
    fc.assert(
      fc.property(shuffled, (models) => {
        const expected = models.length <= 8 ? "taken" : "lineage_invalid";
        expect(codeOf(EMPTY, { payees: PAYEES, models })).toBe(expected);
      }),
    );
  });

  test("is refused when a base grows too long below models that are there already", () => {
    const five = change(EMPTY, { payees: PAYEES, models: chain(["m/0", "m/1", "m/2", "m/3", "m/4"]) }).after;
    const longer = (n: number) => [
      { id: "m/4", payee: "ada", base_model: "n/0", effective_from: FEB },
      ...chain(Array.from({ length: n }, (_, index) => `n/${index}`)),
    ];
    expect(codeOf(five, { models: longer(3) })).toBe("taken");
    expect(codeOf(five, { models: longer(4) })).toBe("lineage_invalid");
  });

  test("never turns back to itself, at any moment", () => {
    const ids = ["m/0", "m/1", "m/2", "m/3"];
    const rows = fc.array(
      fc.record({
        id: fc.constantFrom(...ids),
        payee: fc.constant("ada"),
        base_model: fc.constantFrom(null, ...ids),
        effective_from: fc.constantFrom(...MOMENTS.slice(0, 3)),
      }),
      { maxLength: 6 },
    );
    const start = change(EMPTY, { payees: PAYEES, models: ids.map((id) => ({ id, payee: "ada" })) }).after;
    fc.assert(
      fc.property(rows, (models) => {
        const distinct = [
          ...new Map(models.map((row) => [`${row.id} ${row.effective_from}`, row])).values(),
        ].sort((a, b) => (a.effective_from < b.effective_from ? -1 : 1));
        const baseAt = (id: string, at: string) =>
          distinct.findLast((row) => row.id === id && row.effective_from <= at)?.base_model ?? null;
        const turnsBack = (id: string, at: string) => {
          let next = baseAt(id, at);
          for (let level = 0; next !== null && level < ids.length; level++) next = baseAt(next, at);
          return next !== null;
        };
        const cyclic = ids.some((id) => MOMENTS.some((at) => turnsBack(id, at)));
        expect(codeOf(start, { models: distinct })).toBe(cyclic ? "lineage_invalid" : "taken");
      }),
      { numRuns: 500 },
    );
  });
});

describe("the policy of a base model", () => {
  test("splits all its descendants anew from its moment, and guards each of them", () => {
    const ids = ["m/0", "m/1", "m/2", "m/3"];
    const policies = ids.map((model) => ({
      model,
      effective_from: JAN,
      steps: [{ take: "royalty", percent: "10" }, shareOf("$owner")],
    }));
    const models = [...chain(ids), { id: "m/other", payee: "ada" }];
    const before = change(EMPTY, { payees: PAYEES, models, policies }).after;
    for (const [depth, base] of ids.entries()) {
      const after = change(before, {
        policies: [{ model: base, effective_from: FEB, steps: [shareOf("bob")] }],
      });
      const touched = ids.slice(0, depth + 1).sort();
      expect(after.rows.guards.map((guard) => guard.subject).sort()).toEqual(touched);
      for (const guard of after.rows.guards) {
        expect(guard).toMatchObject({ kind: "split", changes_from: FEB.replace("Z", ".000000Z") });
      }
      for (const id of ids) {
        const begins = after.after.models.get(id)?.segments.length;
        expect([id, begins]).toEqual([id, touched.includes(id) ? 3 : 2]);
      }
    }
  });

  test("that nobody pays a royalty to changes no descendant", () => {
    const before = change(EMPTY, { payees: PAYEES, models: chain(["m/0", "m/1"]) }).after;
    const policies = [{ model: "m/1", effective_from: FEB, steps: [shareOf("bob")] }];
    expect(change(before, { policies }).rows.guards.map((guard) => guard.subject)).toEqual(["m/1"]);
  });
});

describe("a document told again", () => {
  test("changes nothing", () => {
    fc.assert(
      fc.property(histories, (documents) => {
        for (const { document, change: first } of play(documents)) {
          const again = change(first.after, document);
          expect(writtenVersions(again)).toEqual([]);
          expect({ ...again.after, version: 0n }).toEqual({ ...first.after, version: 0n });
        }
      }),
      { numRuns: 300 },
    );
  });

  test("changes nothing when it goes back to earlier content, whatever the order of its rows", () => {
    const steps = (payee: string) => [shareOf(payee)];
    const policies = [
      { model: "m/0", effective_from: JAN, steps: steps("ada") },
      { model: "m/0", effective_from: MAR, steps: steps("ada") },
      { model: "m/0", effective_from: FEB, steps: steps("bob") },
    ];
    const document = { payees: PAYEES, models: chain(["m/0"]), policies };
    expect(writtenVersions(change(change(EMPTY, document).after, document))).toEqual([]);
  });

  test("changes nothing when a first version has no date and a later one has", () => {
    const customers = [
      { id: "acme", name: "Acme", currency: "USD" },
      { id: "acme", name: "Acme", currency: "EUR", effective_from: FEB },
    ];
    expect(writtenVersions(change(change(EMPTY, { customers }).after, { customers }))).toEqual([]);
  });
});

describe("versions", () => {
  test("told in any order, in one document or in several, make the same catalogue", () => {
    const told = fc.shuffledSubarray(
      [
        { model: "m/0", effective_from: JAN, steps: [shareOf("ada")] },
        { model: "m/0", effective_from: FEB, steps: [shareOf("bob")] },
        { model: "m/0", effective_from: MAR, steps: [shareOf("ada")] },
      ],
      { minLength: 3 },
    );
    const start = change(EMPTY, { payees: PAYEES, models: chain(["m/0"]) }).after;
    const ordered = (policies: unknown) => change(start, { policies }).after.models.get("m/0")?.segments;
    fc.assert(
      fc.property(told, (policies) => {
        const sorted = [...policies].sort((a, b) => (a.effective_from < b.effective_from ? -1 : 1));
        expect(ordered(policies)).toEqual(ordered(sorted));
      }),
    );
  });
});
