import type { Response } from "express";
import { assert, present } from "../../kernel/index.ts";
import { anchorOf, subjectOf } from "./subjects.ts";

/** What has to go, as docs/versioning.md promises. Days in UTC. */
export interface Deprecation {
  /** From when on it should not be used any more: "2026-01-01". */
  since: string;
  /** From when on it may be gone, at least twelve months later. */
  sunset: string;
  /** What to use instead, as callers name it: "GET /v1/payees/{id}/earnings". */
  instead: string;
}

/** What the document says of it, beside `deprecated`. */
export function deprecationText({ since, sunset, instead }: Deprecation): string {
  return `Deprecated since ${since}, and gone from ${sunset} on at the earliest: use ${instead}.`;
}

/**
 * Stands on every answer, also on one that says no: RFC 9745 since when, RFC 8594 until when, and where to read about it.
 * @throws InvariantBroken where less than twelve months are left
 */
export function deprecationHeaders(route: {
  method: string;
  path: string;
  deprecated: Deprecation;
}): Record<string, string> {
  const since = dayOf(route.deprecated.since);
  const sunset = dayOf(route.deprecated.sunset);
  const earliest = new Date(since);
  earliest.setUTCFullYear(since.getUTCFullYear() + 1);
  assert(sunset >= earliest, `${route.path}: what is deprecated stays for twelve months`);
  const { slug } = subjectOf(route.path);
  return {
    Deprecation: `@${since.getTime() / 1000}`,
    Sunset: sunset.toUTCString(),
    Link: `</reference/${slug}#${anchorOf(route.method, `/v1${route.path}`)}>; rel="deprecation"; type="text/html"`,
  };
}

/** Middleware for a route: nothing where it stays. */
export function sayDeprecated(route: { method: string; path: string; deprecated?: Deprecation | undefined }) {
  const { method, path, deprecated } = route;
  const headers = deprecated === undefined ? {} : deprecationHeaders({ method, path, deprecated });
  return (_request: unknown, response: Response, next: () => void): void => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    next();
  };
}

function dayOf(text: string): Date {
  const [day] = present(/^\d{4}-\d{2}-\d{2}$/.exec(text), `a day in ${text}`);
  return new Date(`${day}T00:00:00Z`);
}
