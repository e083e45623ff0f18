import { somethingHappens } from "./world/chaos.ts";
import { checkBooks } from "./world/final-checks.ts";
import { heal } from "./world/heal.ts";
import { startProducer, startWorker } from "./world/processes.ts";
import { openWorld, type World, type WorldOptions } from "./world/world.ts";

const USAGE_TURNS = { min: 70, more: 110, happening: 0.3 };
const PAYDAY_TURNS = { min: 70, more: 70, happening: 0.12 };
const LINES_SHOWN = 40;

export interface Played {
  /** Names the path of the run: two runs of one seed have the same. */
  traceHash: string;
  finalState: string;
  sightings: ReadonlyMap<string, number>;
}

/**
 * Plays the history of one seed on empty books, and checks it.
 * @throws Error with the seed, how to replay it, and the end of the trace
 */
export async function runSimulation(options: WorldOptions): Promise<Played> {
  const world = await openWorld(options);
  try {
    await playHistory(world);
    await heal(world);
    const finalState = await checkBooks(world);
    return { traceHash: world.trace.hash, finalState, sightings: world.trace.sightings };
  } catch (cause) {
    const lines = world.trace.lines.slice(-LINES_SHOWN).join("\n");
    const replay = `SIMULATION_SEED=${options.seed} SIMULATION_SEEDS=1 npx vitest run test/simulation`;
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new Error(`${reason}\n\nreplay with: ${replay}\nthe last steps:\n${lines}`, { cause });
  } finally {
    await endAll(world);
  }
}

async function playHistory(world: World): Promise<void> {
  startWorker(world, "worker-a");
  startWorker(world, "worker-b");
  startProducer(world, "producer-a");
  await playTurns(world, USAGE_TURNS, false);
  await playTurns(world, PAYDAY_TURNS, true);
}

async function playTurns(world: World, turns: typeof USAGE_TURNS, payday: boolean): Promise<void> {
  const { random, scheduler, trace } = world;
  for (let left = turns.min + random.below(turns.more); left > 0; left--) {
    const happens = random.chance(turns.happening) || !(await scheduler.advance());
    if (happens) await somethingHappens(world, trace.lines.length, payday);
  }
}

/** Gives back connections that a process still holds. */
async function endAll({ scheduler }: World): Promise<void> {
  for (const process of scheduler.processes) for (const end of process.atDeath) await end();
}
