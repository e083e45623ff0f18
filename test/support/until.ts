import { setTimeout as pause } from "node:timers/promises";

/** Waits for a condition, however long it takes within `withinMs`. @throws Error when it never holds */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await condition()); await pause(20)) {
    if (Date.now() > deadline) throw new Error(`still not so after ${withinMs} ms: ${condition}`);
  }
}
