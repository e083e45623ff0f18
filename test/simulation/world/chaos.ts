import { DAY_MS, HOUR_MS } from "./clock.ts";
import {
  startAccrual,
  startCatalogChange,
  startFold,
  startProducer,
  startRelease,
  startReplay,
  startSettlement,
  startWorker,
} from "./processes.ts";
import type { World } from "./world.ts";

const WORKERS_MAX = 3;
/** All usage stays within the year, whose months are closed at the end. */
const LAST_JUMP_MS = Date.parse("2023-12-20T00:00:00Z");

interface Event {
  weight: number;
  possible?: boolean;
  happen: () => Promise<void> | void;
}

/**
 * Something that no process does of itself: usage arrives, time goes by, things break, people start programs. On a
 * payday most of it is settling.
 */
export async function somethingHappens(world: World, number: number, payday: boolean): Promise<void> {
  const { random, clock, scheduler, log, group, provider, drafts } = world;
  const workers = scheduler.processes.filter(({ name, alive }) => alive && name.startsWith("worker"));
  const running = scheduler.processes.filter(({ state }) => state === "running");
  const paused = scheduler.processes.filter(({ state }) => state === "paused");
  const settling = scheduler.processes.filter(({ name, alive }) => alive && name.startsWith("settlement"));
  const events: Event[] = [
    { weight: payday ? 4 : 36, happen: () => startProducer(world, `producer-${number}`) },
    {
      weight: payday ? 30 : 14,
      // A payer that slept for hours between reading its key and sending it could pay twice when the provider has
      // forgotten the key meanwhile: four hours of margin are the product's assumption, and so this one's.
      possible: settling.length === 0 && !provider.somethingIsOnTheWay && clock.nowMs < LAST_JUMP_MS,
      happen: () =>
        timePasses(world, random.pick([HOUR_MS / 4, HOUR_MS / 2, 12 * HOUR_MS, 3 * DAY_MS, 9 * DAY_MS])),
    },
    { weight: 6, happen: () => group.move() },
    { weight: 5, happen: () => group.tell() },
    {
      weight: 6,
      possible: workers.length < WORKERS_MAX,
      happen: () => startWorker(world, `worker-${number}`),
    },
    { weight: 2, possible: running.length > 0, happen: () => scheduler.kill(random.pick(running)) },
    {
      weight: 5,
      possible: running.length > 0,
      happen: () => {
        const sleeper = random.pick(running);
        world.trace.note(`${sleeper.name} is stopped`);
        sleeper.state = "paused";
      },
    },
    {
      weight: 6,
      possible: paused.length > 0,
      happen: () => {
        const sleeper = random.pick(paused);
        world.trace.note(`${sleeper.name} wakes`);
        sleeper.state = "running";
      },
    },
    { weight: 5, possible: log.somethingIsOnTheWay, happen: () => log.deliverLate() },
    { weight: 5, possible: provider.somethingIsOnTheWay, happen: () => provider.deliverLate() },
    { weight: 4, happen: () => startRelease(world, `release-${number}`) },
    { weight: 3, happen: () => startAccrual(world, `accrual-${number}`) },
    { weight: 2, happen: () => startFold(world, `fold-${number}`) },
    {
      weight: payday ? 2 : 7,
      happen: () => {
        const document = drafts.next();
        if (document !== undefined) startCatalogChange(world, `catalogue-${number}`, document);
      },
    },
    {
      weight: 7,
      possible: settling.length < 2,
      happen: () => startSettlement(world, `settlement-${number}`),
    },
    { weight: 2, happen: () => startReplay(world, `replay-${number}`) },
  ];
  const possible = events.filter((event) => event.possible ?? true);
  let luck = random.below(possible.reduce((sum, { weight }) => sum + weight, 0));
  const event = possible.find(({ weight }) => {
    luck -= weight;
    return luck < 0;
  });
  await event?.happen();
}

/** The clock of the database cannot be moved: attempts under way become older instead. */
export async function timePasses({ clock, books, trace }: World, ms: number): Promise<void> {
  clock.nowMs += ms;
  const by = `${ms} milliseconds`;
  await books`
    UPDATE payout_attempt SET started_at = started_at - ${by}::interval, missing_since = missing_since - ${by}::interval
    WHERE ended_at IS NULL`;
  trace.note(`it is ${clock.text} by now`);
}
