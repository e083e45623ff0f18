import { setTimeout as pause } from "node:timers/promises";
import { until } from "../../support/until.ts";
import type { Stage } from "./stage.ts";

const PRODUCERS = 2;
const BATCH_MAX = 60;
const TRICKLE_MS = 150;

/** Events that flow while a fault strikes. */
export interface Flow {
  /** Resolves when so many were acknowledged. */
  acknowledged(count: number): Promise<void>;
  /** Resolves when everything that was begun is acknowledged, at least `minimum`. */
  finish(): Promise<void>;
  /** Begins no more. */
  abandon(): void;
}

/** Sends `minimum` events as fast as they are acknowledged, and then a few now and then until it is finished. */
export function startFlow(stage: Stage, minimum: number): Flow {
  let [begun, done, finishing] = [0, 0, false];
  let failure: Error | undefined;

  async function produce(): Promise<void> {
    while (failure === undefined && (begun < minimum || !finishing)) {
      if (begun >= minimum) await pause(TRICKLE_MS);
      const size = 1 + Math.floor(stage.usage.random() * (begun < minimum ? BATCH_MAX : 5));
      begun += size;
      await stage.producer.deliver(stage.usage.take(size));
      done += size;
    }
  }

  const producing = Promise.all(
    Array.from({ length: PRODUCERS }, () =>
      produce().catch((error: Error) => {
        failure ??= error;
      }),
    ),
  );
  return {
    async acknowledged(count) {
      await until(() => failure !== undefined || done >= count);
      if (failure !== undefined) throw failure;
    },
    async finish() {
      finishing = true;
      await producing;
      if (failure !== undefined) throw failure;
    },
    abandon() {
      failure ??= new Error("abandoned");
    },
  };
}
