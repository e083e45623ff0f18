import { BEGINNING_OF_TIME, canonicalJson, type Instant, parseInstant, present } from "../kernel/index.ts";
import { type Version, versionAt } from "./catalog.ts";
import { refusal } from "./refusal.ts";

/** Inserts a version in order. The same list comes back when nothing changes. */
export function insertVersion<V extends Version>(versions: V[], added: V, path: string): V[] {
  const same = versions.find((version) => version.effectiveFrom === added.effectiveFrom);
  if (same !== undefined && sameContent(same, added)) return versions;
  if (same !== undefined) {
    throw refusal(
      "version_exists",
      path,
      "there already is a different version with this effective_from; versions never change: post one with another effective_from",
    );
  }
  return [...versions, added].sort((a, b) => (a.effectiveFrom < b.effectiveFrom ? -1 : 1));
}

/** Whether two versions say the same, whenever they begin. */
export function sameContent(a: Version, b: Version): boolean {
  return canonicalJson({ ...a, effectiveFrom: "" }) === canonicalJson({ ...b, effectiveFrom: "" });
}

interface Dated {
  id: string;
  effective_from?: string | undefined;
}

/**
 * From when a row holds. Without a date: the first version from the beginning of time, later ones from now, unless it
 * says what is in force already. In a document that has dated rows of the same thing too, it is the first one.
 */
export function beginning<V extends Version>(
  row: Dated,
  rows: readonly Dated[],
  known: readonly V[],
  content: Omit<V, "effectiveFrom">,
  at: Instant,
): Instant {
  if (row.effective_from !== undefined) return momentOf(row.effective_from);
  if (known.length === 0 || rows.some((other) => other.id === row.id && other.effective_from !== undefined))
    return BEGINNING_OF_TIME;
  const inForce = versionAt(known, at);
  if (inForce !== undefined && sameContent(inForce, { ...content, effectiveFrom: at }))
    return inForce.effectiveFrom;
  // Two changes within one tick of the clock: the later one begins just after.
  return inForce?.effectiveFrom === at ? at + 1n : at;
}

export function momentOf(time: string): Instant {
  return present(parseInstant(time), "a validated time");
}
