import { expect, test } from "vitest";
import { Gathering } from "../../src/adapters/postgres-log/gathering.ts";

const EVENT = 300;
const REQUEST = 100 * EVENT;
/** Of applying each piece. */
const APPLYING_MS = 20;

/** How long each of these readings, so many milliseconds apart, has the next one wait. */
function pauses(bytes: number, everyMs: number, readings: number): number[] {
  const gathering = new Gathering();
  return Array.from({ length: readings }, (_, n) =>
    gathering.pauseMs(bytes, n * everyMs, n * everyMs + APPLYING_MS),
  );
}

test("what comes now and then is read at once: an event ten times a second, a request of a hundred every ten seconds", () => {
  expect(new Set(pauses(EVENT, 100, 50))).toEqual(new Set([0]));
  expect(new Set(pauses(REQUEST, 10_000, 50))).toEqual(new Set([0]));
});

test("a stream of small pieces is read in larger ones, and a large piece is followed by the next at once", () => {
  expect(pauses(REQUEST, 200, 4)).toEqual([0, 0, 380, 380]);
  expect(new Set(pauses(1_000 * EVENT, 50, 50))).toEqual(new Set([0]));
});

test("what took longer to apply than it would be waited for is not waited for", () => {
  const gathering = new Gathering();
  expect(gathering.pauseMs(REQUEST * 5, 0, 900)).toBe(0);
});
