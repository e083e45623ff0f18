import { afterAll, describe, test } from "vitest";
import { check, meteringCounters } from "./check.ts";
import { startFlow } from "./flow.ts";
import { Report } from "./report.ts";
import { FAULTS_EVENTS, FAULTS_SEED } from "./settings.ts";
import { Skipped } from "./skipped.ts";
import { type Stage, type StageSettings, startStage } from "./stage.ts";

export interface Fault {
  /** What goes wrong, in words that a report can show. */
  name: string;
  /**
   * Called while events flow. Breaks something, mends it again, and answers what it did. Whatever it leaves behind
   * must heal by itself.
   * @throws Skipped when it cannot be done on this machine
   */
  strike(stage: Stage): Promise<string>;
}

const FAULT_WITHIN_MS = 600_000;

/**
 * Each fault strikes the same stage in turn, and everything is checked after each. After one that was not survived
 * the next ones get a new stage.
 */
export function describeFaults(
  title: string,
  settings: Omit<StageSettings, "seed">,
  faults: readonly Fault[],
): void {
  describe(`${title} (FAULTS_SEED=${FAULTS_SEED})`, () => {
    const report = new Report(title);
    let stage: Stage | undefined;

    afterAll(async () => {
      await stage?.stop();
      await report.publish(FAULTS_SEED);
    });

    test.each(faults)(
      "$name: every event is counted exactly once",
      { timeout: FAULT_WITHIN_MS },
      async (fault) => {
        try {
          stage ??= await startStage({ ...settings, seed: FAULTS_SEED });
          await suffer(stage, fault, report);
        } catch (error) {
          await stage?.stop();
          stage = undefined;
          report.failed(fault.name, error);
          if (!(error instanceof Skipped)) throw error;
        }
      },
    );
  });
}

/** Lets events flow, strikes, waits until it has healed, and asks the checker. */
export async function suffer(stage: Stage, fault: Fault, report: Report): Promise<void> {
  const before = { ...(await meteringCounters(stage)), retries: stage.producer.acknowledged.retries };
  const distinctBefore = Number(before.applied + before.parked);
  const flow = startFlow(stage, FAULTS_EVENTS);
  try {
    await flow.acknowledged(FAULTS_EVENTS / 3);
    const done = await fault.strike(stage);
    const struckAt = Date.now();
    await flow.finish();
    const figures = await check(stage);
    report.add({
      fault: fault.name,
      done,
      events: figures.distinct - distinctBefore,
      sentAgain: stage.producer.acknowledged.retries - before.retries,
      duplicates: figures.duplicate - before.duplicate,
      lagZeroAfterMs: figures.caughtUpAt - struckAt,
      verdict: "exact",
    });
  } catch (error) {
    flow.abandon();
    throw error;
  }
}
