import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splitPlanAt, type Version, versionAt } from "../../src/catalog/catalog.ts";
import type { Guard } from "../../src/catalog/guards.ts";
import type { Catalog } from "../../src/catalog/index.ts";
import { formatInstant, type Instant, rational } from "../../src/kernel/index.ts";
import { planHash, type SplitPlan, splitGross } from "../../src/sharing/index.ts";
import { Catalogue } from "../oracle/in-force.ts";
import { type OracleCatalog, splitExactly } from "../oracle/index.ts";
import { histories, instant, MODELS, MOMENTS, planned, play, type Step } from "./catalogues.ts";

const RUNS = { numRuns: 300 };
const GROSS = rational(123_456_789n, 1_000n);

/** Just before, at and after each moment at which anything may change. */
const TIMES: Instant[] = MOMENTS.flatMap((text) => [instant(text) - 1n, instant(text), instant(text) + 1n]);

/** All versions that were written, as one document. */
function rowsOf(steps: readonly Step[]): OracleCatalog {
  const all = <T>(key: string) => steps.flatMap(({ change }) => change.rows[key] as T[]);
  return {
    models: all<{ model: string; payee: string; base_model: string | null; effective_from: string }>(
      "lineages",
    ).map(({ model, ...row }) => ({ ...row, id: model })),
    policies: all("policies"),
  };
}

function plansOf(steps: readonly Step[]): Map<string, SplitPlan> {
  const rows = steps.flatMap(({ change }) => change.rows.plans as { hash: string; content: SplitPlan }[]);
  return new Map(rows.map(({ hash, content }) => [hash, content]));
}

function hashAt(catalog: Catalog, model: string, at: Instant): string | undefined {
  const plan = splitPlanAt(catalog, model, at);
  return plan && planHash(plan);
}

describe("a change of the catalogue", () => {
  test("leaves segments that say at every moment what policies and lineages say then", () => {
    fc.assert(
      fc.property(histories, (documents) => {
        for (const { change } of play(documents)) {
          for (const [id, model] of change.after.models) {
            const resolved = TIMES.map((at) => hashAt(change.after, id, at));
            expect(TIMES.map((at) => versionAt(model.segments, at)?.plan)).toEqual(resolved);
            const starts = model.segments.map((segment) => segment.effectiveFrom);
            expect(starts).toEqual([...new Set(starts)].sort((a, b) => (a < b ? -1 : 1)));
          }
        }
      }),
      RUNS,
    );
  });

  test("leaves plans that split as the oracle does from the bare versions", () => {
    fc.assert(
      fc.property(histories, fc.constantFrom(...TIMES), (documents, at) => {
        const steps = play(documents);
        const plans = plansOf(steps);
        const oracle = new Catalogue(rowsOf(steps));
        for (const id of MODELS) {
          const segment = versionAt(steps.at(-1)?.change.after.models.get(id)?.segments ?? [], at);
          const chain = oracle.plan(id, at)?.chain;
          expect(segment === undefined).toBe(chain === undefined);
          if (segment === undefined || chain === undefined) continue;
          const plan = plans.get(segment.plan) as SplitPlan;
          const shown = splitGross(plan, GROSS, 0n).parts.map(
            (p) => `${p.payee} ${p.reason} ${p.model} ${p.exact.num}/${p.exact.den}`,
          );
          const expected = splitExactly(chain, { n: GROSS.num, d: GROSS.den }, 0n, null).map(
            (p) => `${p.payee} ${p.reason} ${p.paidBy} ${p.amount.n}/${p.amount.d}`,
          );
          expect(shown.sort()).toEqual(expected.sort());
        }
      }),
      RUNS,
    );
  });

  test("guards, of every segment in which the split changes, exactly the first changed moment", () => {
    fc.assert(
      fc.property(histories, (documents) => {
        for (const { before, change } of play(documents)) {
          const expected = [...before.models].flatMap(([id, model]) =>
            firstChanges(
              "split",
              id,
              model.segments,
              (at) => hashAt(change.after, id, at),
              (s) => s.plan,
            ),
          );
          expect(guardsOf(change.rows.guards, "split")).toEqual(expected.sort());
        }
      }),
      RUNS,
    );
  });

  test("guards, of every price and customer version that it cuts short, the first moment that is another's", () => {
    const json = (value: Version | undefined) => JSON.stringify(value && { ...value, effectiveFrom: "" });
    fc.assert(
      fc.property(histories, (documents) => {
        for (const { before, change } of play(documents)) {
          const prices = [...before.models].flatMap(([id, model]) =>
            [...model.pricesByCurrency].flatMap(([currency, versions]) => {
              const after = change.after.models.get(id)?.pricesByCurrency.get(currency) ?? [];
              return firstChanges(
                `price:${currency}`,
                id,
                versions,
                (at) => json(versionAt(after, at)),
                json,
              );
            }),
          );
          const customers = [...before.customers].flatMap(([id, { versions }]) => {
            const after = change.after.customers.get(id)?.versions ?? [];
            return firstChanges("customer", id, versions, (at) => json(versionAt(after, at)), json);
          });
          const guards = [
            ...guardsOf(change.rows.guards, "customer"),
            ...guardsOf(change.rows.guards, "price"),
          ];
          expect(guards).toEqual([...prices, ...customers].sort());
        }
      }),
      RUNS,
    );
  });

  test("names every plan it uses, and nothing it was given is changed by it", () => {
    fc.assert(
      fc.property(histories, (documents) => {
        const steps = play(documents);
        for (const [index, { before, document, change }] of steps.entries()) {
          const plans = plansOf(steps.slice(0, index + 1));
          for (const model of change.after.models.values())
            for (const { plan } of model.segments) expect(planHash(plans.get(plan) as SplitPlan)).toBe(plan);
          const untouched = structuredClone(before);
          expect(planned(before, document)).toEqual(change);
          expect(before).toEqual(untouched);
        }
      }),
      { numRuns: 100 },
    );
  });
});

/** For each version, by trying out all moments: the first in it at which something else holds now. */
function firstChanges<V extends Version>(
  kind: string,
  subject: string,
  versions: readonly V[],
  now: (at: Instant) => string | undefined,
  then: (version: V) => string | undefined,
): string[] {
  return versions.flatMap((version, index) => {
    const until = versions[index + 1]?.effectiveFrom;
    const inside = TIMES.filter((at) => at >= version.effectiveFrom && (until === undefined || at < until));
    const changed = inside.find((at) => now(at) !== then(version));
    return changed === undefined ? [] : [guardText(kind, subject, changed)];
  });
}

function guardText(kind: string, subject: string, changed: Instant): string {
  return `${kind} ${subject} → ${formatInstant(changed)}`;
}

function guardsOf(guards: readonly Guard[], kind: string): string[] {
  return guards
    .filter((guard) => guard.kind.startsWith(kind))
    .map((g) => `${g.kind} ${g.subject} → ${g.changes_from}`)
    .sort();
}
