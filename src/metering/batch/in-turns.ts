import { setImmediate as otherWork } from "node:timers/promises";

/** A few milliseconds' worth. Counted and not timed, so that the order of things does not hang on the machine's speed. */
const EVENTS_PER_TURN = 1_000;

/** Each answers whether it took turns. */
const waiting: (() => Promise<boolean>)[] = [];
let working = false;

/**
 * Takes the steps of a long computation, each of which says how many events it was about, and lets the thread's other work run between them: a batch takes a second, in which
 * the database would wait for the rest of another batch's bytes. One computation after the other, since two that share the
 * thread only end later.
 * @param soon before all that wait: it ends what the database waits for, and they do not
 */
export function inTurns<T>(steps: Generator<number, T, void>, { soon = false } = {}): Promise<T> {
  return new Promise((resolve, reject) => {
    const turn = () =>
      take(steps, resolve).catch((error: unknown) => {
        reject(error);
        return false;
      });
    if (soon) waiting.unshift(turn);
    else waiting.push(turn);
    if (!working) void takeTurns();
  });
}

async function takeTurns(): Promise<void> {
  working = true;
  for (let turn = waiting.shift(); turn !== undefined; turn = waiting.shift()) {
    // Whoever waited for a long one may have more, which comes before what waits here.
    if (await turn()) await otherWork();
  }
  working = false;
}

async function take<T>(steps: Generator<number, T, void>, done: (value: T) => void): Promise<boolean> {
  let long = false;
  for (let events = 0; ; ) {
    const step = steps.next();
    if (step.done) {
      done(step.value);
      return long;
    }
    events += step.value;
    if (events < EVENTS_PER_TURN) continue;
    long = true;
    await otherWork();
    events = 0;
  }
}

/** All at once. */
export function atOnce<T>(steps: Generator<number, T, void>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
