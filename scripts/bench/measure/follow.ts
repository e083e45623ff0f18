import { setTimeout as pause } from "node:timers/promises";
import type { Sql } from "../../../src/postgres/index.ts";
import { positionOf } from "./database.ts";
import type { Sample } from "./rates.ts";

const ASK_EVERY_MS = 100;
const CLAIM_ASK_EVERY_MS = 10;
const STUCK_AFTER_MS = 120_000;

/** Resolves when the first partition is claimed: just before its first record is fetched. */
export async function untilClaimed(sql: Sql): Promise<void> {
  for (const deadline = Date.now() + STUCK_AFTER_MS; Date.now() < deadline; await pause(CLAIM_ASK_EVERY_MS)) {
    if ((await positionOf(sql)).claimed > 0) return;
  }
  throw new Error("no worker has claimed a partition");
}

/** Follows metering from now on until so many events are consumed. @throws Error when it stands still */
export async function followMetering(sql: Sql, events: number): Promise<Sample[]> {
  const begun = performance.now();
  const samples: Sample[] = [{ ms: 0, applied: 0 }];
  let progressAt = begun;
  for (;;) {
    const { consumed } = await positionOf(sql);
    const at = performance.now();
    if (consumed > (samples.at(-1)?.applied ?? 0)) progressAt = at;
    samples.push({ ms: at - begun, applied: consumed });
    if (consumed >= events) return samples;
    if (at - progressAt > STUCK_AFTER_MS)
      throw new Error(`metering stands at ${consumed} of ${events} events`);
    await pause(ASK_EVERY_MS);
  }
}
