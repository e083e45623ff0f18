import { setTimeout as pause } from "node:timers/promises";
import type { Sql } from "../../../src/postgres/index.ts";
import { type LoadInSize, startLoad } from "../load/start-load.ts";
import type { Opened } from "../world/opened.ts";
import { positionOf } from "./database.ts";

/**
 * So many events may be under way, from the sender to the windows: the requests that are open at a time are 16,000. More of
 * them make larger batches, which cost less for each event, and each waits longer.
 */
const AHEAD_MAX = 40_000;
const ALLOW_EVERY_MS = 20;
/** Terms and windows are made by then, and what a process compiles is compiled. */
const WARMUP_SECONDS = 10;

/**
 * The most that the whole path keeps up with: events are sent over HTTP as fast as they are metered, never more than a fixed
 * number ahead, so that the lag cannot grow. Metered events a second.
 */
export async function sustainedRate(
  opened: Opened,
  sql: Sql,
  load: LoadInSize,
  seconds: number,
): Promise<number> {
  const before = await positionOf(sql);
  const running = startLoad(opened, {
    ...load,
    requestsPerSecond: null,
    limited: true,
    warmupSeconds: WARMUP_SECONDS,
    seconds: null,
  });
  const metered = async () => (await positionOf(sql)).consumed - before.consumed;
  const allowing = async (forSeconds: number) => {
    let consumed = await metered();
    for (const until = performance.now() + forSeconds * 1000; performance.now() < until; ) {
      running.allow(consumed + AHEAD_MAX);
      await pause(ALLOW_EVERY_MS);
      consumed = await metered();
    }
    return { consumed, at: performance.now() };
  };
  const from = await allowing(WARMUP_SECONDS);
  const to = await allowing(seconds);
  running.end();
  const { accepted, failed, failure } = await running.result;
  if (failed > 0) throw new Error(`${failed} requests were not taken: ${failure}`);
  await untilMetered(metered, accepted);
  return ((to.consumed - from.consumed) / (to.at - from.at)) * 1000;
}

async function untilMetered(metered: () => Promise<number>, accepted: number): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(ALLOW_EVERY_MS))
    if ((await metered()) >= accepted) return;
  throw new Error("what was accepted is not metered");
}
