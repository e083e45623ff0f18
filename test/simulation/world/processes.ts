import { pino } from "pino";
import { openCatalogStore } from "../../../src/catalog/index.ts";
import { accrueOpenPeriods } from "../../../src/earnings/index.ts";
import { type Period, parsePeriod, periodEnd, present, Refusal } from "../../../src/kernel/index.ts";
import {
  consumeLog,
  deadLetters,
  foldCustomerWindows,
  mergeWindows,
  meteringStatus,
  releaseParked,
  replayDeadLetter,
} from "../../../src/metering/index.ts";
import {
  accountReadiness,
  type PayReport,
  ProviderUnavailable,
  payMonth,
} from "../../../src/payouts/index.ts";
import { approvePlan, closeMonth, planMonth } from "../../../src/settlement/index.ts";
import { type LogAppend, LogUnavailable } from "../../../src/usage/index.ts";
import type { OracleCatalog } from "../../oracle/shapes.ts";
import { ConnectionLost } from "../simulated-sql.ts";
import { LawBroken } from "./metering-watch.ts";
import type { World } from "./world.ts";

export const MONTHS: readonly Period[] = ["2023-10", "2023-11", "2023-12"].map((month) =>
  present(parsePeriod(month), "a month"),
);
const ATTEMPTS_MAX = 20;
const logger = pino({ level: "silent" });

/** Meters what the consumer group gives it, until it dies. */
export function startWorker({ scheduler, port, sql, group }: World, name: string): void {
  scheduler.spawn(name, async () => {
    await consumeLog(port, sql, logger);
    await scheduler.step(
      "works",
      () => {},
      () => false,
    );
  });
  group.assignAll();
}

/** Sends items until they are acknowledged, each time in other batches. */
export function startProducer({ scheduler, random, usage, log, port }: World, name: string): void {
  const items = Array.from({ length: 1 + random.below(6) }, () => usage.next());
  scheduler.spawn(name, async () => {
    for (;;) {
      const records: LogAppend[] = [];
      for (let left = random.shuffled(items); left.length > 0; ) {
        const fits = left[0]?.alone ? 1 : 1 + random.below(3);
        const inOne = left.slice(0, fits).filter((item, index) => index === 0 || !item.alone);
        left = left.filter((item) => !inOne.includes(item));
        records.push(log.recordOf(inOne));
      }
      if (await succeeds(() => port.append(records))) return;
    }
  });
}

/** Changes the catalogue, and repeats the change until it knows that it holds or is refused. */
export function startCatalogChange(
  { scheduler, sql, watch, trace }: World,
  name: string,
  document: OracleCatalog,
): void {
  scheduler.spawn(name, async () => {
    const store = openCatalogStore(sql);
    trace.note(`${name} has ${JSON.stringify(document)}`);
    let applied = false;
    const observe = async () => {
      if (await watch.lookAtCatalog(document)) applied = true;
    };
    const change = () =>
      scheduler.doing("changes the catalogue", () => store.change(document as object), observe);
    try {
      await untilItSucceeds(change);
      if (!applied) throw new LawBroken("a catalogue change is said to be made, but is not");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (applied)
        throw new LawBroken(`a change that was made is refused when it is repeated: ${error.code}`);
      trace.saw(`a catalogue change was refused: ${error.code}`);
    }
  });
}

export function startRelease({ scheduler, sql, watch }: World, name: string): void {
  scheduler.spawn(name, () =>
    untilItSucceeds(() =>
      scheduler.doing(
        "releases parked events",
        async () => void (await releaseParked(sql)),
        () => watch.lookAtRelease(),
      ),
    ),
  );
}

export function startAccrual({ scheduler, sql }: World, name: string): void {
  scheduler.spawn(name, () => untilItSucceeds(() => accrueOpenPeriods(sql)));
}

export function startFold({ scheduler, sql }: World, name: string): void {
  scheduler.spawn(name, () =>
    untilItSucceeds(async () => {
      await foldCustomerWindows(sql);
      await mergeWindows(sql);
    }),
  );
}

/** An operator sends some dead letter through the log again. */
export function startReplay({ scheduler, sql, port, random }: World, name: string): void {
  scheduler.spawn(name, async () => {
    await succeeds(async () => {
      const letters = await deadLetters(sql, 100);
      if (letters.length > 0) await replayDeadLetter(sql, port, random.pick(letters).id);
    });
  });
}

/** Settles every month that is over, from the beginning: what is done already stays as it is. */
export function startSettlement(world: World, name: string): void {
  const { scheduler, clock } = world;
  scheduler.spawn(name, async () => {
    for (const period of MONTHS) {
      if (periodEnd(period) > clock.now) return;
      if (!(await succeeds(() => settleMonth(world, period)))) return;
    }
  });
}

async function settleMonth(world: World, period: Period): Promise<void> {
  const { scheduler, sql, watch, payoutPort } = world;
  const close = () => closeMonth(sql, period, { graceSeconds: 0, catchUp: () => catchUp(world) });
  await scheduler.doing(`closes ${period}`, close, () => watch.lookAtCut(period));
  const readiness = (accounts: string[]) => accountReadiness(sql, payoutPort, accounts);
  const { hash } = await scheduler.doing(`plans ${period}`, () =>
    planMonth(sql, period, { by: "maker", twoPerson: true, readiness }),
  );
  await scheduler.doing(`approves ${period}`, () =>
    approvePlan(sql, period, hash, "checker", ["ten_times_last"]),
  );
  noteReport(world, await scheduler.doing(`pays ${period}`, () => payMonth(sql, payoutPort, period)));
}

/** As the product's own: but now and then somebody closes without waiting, and what comes later is late usage. */
async function catchUp({ scheduler, sql, port, random, watch }: World): Promise<void> {
  const { lag } = await meteringStatus(sql, port);
  if (lag > 0 && random.chance(0.5)) throw new Refusal("metering_behind", `${lag} records are not metered`);
  await scheduler.doing(
    "releases parked events",
    () => releaseParked(sql),
    () => watch.lookAtRelease(),
  );
}

function noteReport({ trace }: World, { results, stopped }: PayReport): void {
  for (const [result, count] of Object.entries(results)) if (count > 0) trace.saw(`a payout was ${result}`);
  if (stopped !== null) trace.saw("a pay run was stopped");
}

async function untilItSucceeds(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) if (await succeeds(work, false)) return;
}

const PASSING = [
  "metering_behind",
  "plan_changed",
  "settlement_running",
  "already_replayed",
  "conflict_needs_decision",
];

/** False when the world was in the way. Anything else that goes wrong is a bug. */
async function succeeds(work: () => Promise<unknown>, refusalsPass = true): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    const passes = refusalsPass && error instanceof Refusal && PASSING.includes(error.code);
    const inTheWay = [ConnectionLost, LogUnavailable, ProviderUnavailable].some(
      (kind) => error instanceof kind,
    );
    if (passes || inTheWay) return false;
    throw error;
  }
}
