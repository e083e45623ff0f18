import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as quiet } from "node:timers/promises";
import { present } from "../../src/kernel/index.ts";
import type { Random } from "./random.ts";
import type { Trace } from "./trace.ts";

/** A program that lives in the simulation. Dead, it never takes another step; paused, not until it wakes. */
export class Process {
  readonly name: string;
  state: "running" | "paused" | "dead" | "done" = "running";
  /** What the world does when this dies: its connections and group memberships end. */
  readonly atDeath: (() => Promise<void> | void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get alive(): boolean {
    return this.state === "running" || this.state === "paused";
  }
}

/** Who is calling, wherever it is asked: what makes shared ports of the product belong to one process. */
interface Caller {
  process: Process;
  doing: string;
  /** Looks at the books after each of the caller's statements that reached the database. */
  observe?: (() => Promise<void>) | undefined;
}

interface Waiting {
  process: Process;
  label: string;
  ready: () => boolean;
  act: () => Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

const CRASH_PROBABILITY = 0.012;

/**
 * Plays all processes in one thread. Whatever touches the world (a statement, the log, the provider) is a step; a
 * process waits at it until the seed chooses it. So the seed decides the order of everything, and nothing else does.
 */
export class Scheduler {
  readonly #random: Random;
  readonly #trace: Trace;
  readonly #callers = new AsyncLocalStorage<Caller>();
  readonly processes: Process[] = [];
  #waiting: Waiting[] = [];
  #failure: unknown;
  /** While it is on, things break. */
  chaos = true;

  constructor(random: Random, trace: Trace) {
    this.#random = random;
    this.#trace = trace;
  }

  /** An error that leaves `main` is a bug of the product or of the simulation: it ends the run. */
  spawn(name: string, main: (process: Process) => Promise<void>): Process {
    const process = new Process(name);
    this.processes.push(process);
    this.#trace.note(`${name} starts`);
    this.as(process, () => main(process)).then(
      () => {
        if (process.alive) process.state = "done";
      },
      (error: unknown) => this.fail(error),
    );
    return process;
  }

  as<T>(process: Process, work: () => Promise<T>): Promise<T> {
    return this.#callers.run({ process, doing: "" }, work);
  }

  /** The caller's process does something by a name of its own, watched. */
  doing<T>(doing: string, work: () => Promise<T>, observe?: () => Promise<void>): Promise<T> {
    return this.#callers.run({ process: this.caller.process, doing, observe }, work);
  }

  get caller(): Caller {
    return present(this.#callers.getStore(), "a simulated process");
  }

  /** Waits until the seed lets this happen; `act` runs alone, from beginning to end. */
  step<T>(label: string, act: () => Promise<T> | T, ready: () => boolean = () => true): Promise<T> {
    const { process, doing } = this.caller;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({
        process,
        label: doing === "" ? label : `${doing}: ${label}`,
        ready,
        act: async () => act(),
        resolve: resolve as (value: unknown) => void,
        reject,
      });
    });
  }

  fail(error: unknown): void {
    this.#failure ??= error;
  }

  async kill(process: Process): Promise<void> {
    this.#trace.note(`${process.name} dies`);
    process.state = "dead";
    this.#waiting = this.#waiting.filter((waiting) => waiting.process !== process);
    for (const end of process.atDeath) await end();
  }

  /** Takes one step that the seed chooses. Answers false when nobody can go on. */
  async advance(): Promise<boolean> {
    await quiet();
    if (this.#failure !== undefined) throw this.#failure;
    const chosen = this.#choose();
    if (chosen === undefined) return false;
    this.#waiting.splice(this.#waiting.indexOf(chosen), 1);
    const crash =
      this.chaos && this.#random.chance(CRASH_PROBABILITY) ? this.#random.pick(["before", "after"]) : "";
    if (crash === "before") {
      this.#trace.saw("a process died before a step");
      await this.kill(chosen.process);
      return true;
    }
    await this.#take(chosen, crash === "after");
    await quiet();
    if (this.#failure !== undefined) throw this.#failure;
    return true;
  }

  /** Lets everybody go on until nobody can. */
  async rest(stepsMax: number): Promise<void> {
    for (let steps = 0; await this.advance(); steps++) {
      if (steps > stepsMax) throw new Error(`the simulation does not come to rest within ${stepsMax} steps`);
    }
  }

  // Sorted by label: the order in which rows came from the database must not decide anything.
  #choose(): Waiting | undefined {
    const able = this.#waiting.filter(({ process, ready }) => process.state === "running" && ready());
    if (able.length === 0) return undefined;
    return this.#random.pick(able.sort((a, b) => compareText(nameOf(a), nameOf(b))));
  }

  async #take(chosen: Waiting, dies: boolean): Promise<void> {
    const { process, act, resolve, reject } = chosen;
    try {
      const value = await act();
      this.#trace.step(nameOf(chosen), "");
      if (dies) await this.#dieBeforeHearing(process);
      else resolve(value);
    } catch (error) {
      this.#trace.step(nameOf(chosen), ` ✗ ${error instanceof Error ? error.message : error}`);
      if (dies) await this.#dieBeforeHearing(process);
      else reject(error);
    }
  }

  async #dieBeforeHearing(process: Process): Promise<void> {
    this.#trace.saw("a process died after a step, before it heard of it");
    await this.kill(process);
  }
}

function nameOf({ process, label }: Waiting): string {
  return `${process.name}: ${label}`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
