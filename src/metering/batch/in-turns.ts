import { setImmediate as otherWork } from "node:timers/promises";

const TURN_MS = 5;

let busy: Promise<unknown> = Promise.resolve();

/**
 * Takes the steps of a long computation, and lets the thread's other work run between them: a batch takes a second, in which
 * the database would wait for the rest of another batch's bytes. One computation after the other, since two that share the
 * thread only end later.
 */
export function inTurns<T>(steps: Generator<void, T, void>): Promise<T> {
  const taken = busy.then(() => take(steps));
  busy = taken.catch(() => {});
  return taken;
}

async function take<T>(steps: Generator<void, T, void>): Promise<T> {
  for (let since = performance.now(); ; ) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() - since < TURN_MS) continue;
    await otherWork();
    since = performance.now();
  }
}

/** All at once. */
export function atOnce<T>(steps: Generator<void, T, void>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
