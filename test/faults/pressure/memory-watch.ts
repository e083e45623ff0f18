import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { Role } from "../harness/role.ts";

const SAMPLE_MS = 100;

/** The largest resident memory that processes had while it watched, as the kernel counts it. */
export class MemoryWatch {
  readonly #roles: readonly Role[];
  readonly #maxMiB = new Map<string, number>();
  readonly #stopping = new AbortController();
  #sampling: Promise<void> | undefined;

  constructor(roles: readonly Role[]) {
    this.#roles = roles;
  }

  start(): void {
    this.#sampling = this.#sample();
  }

  /** MiB by the role's name. */
  async stop(): Promise<Map<string, number>> {
    this.#stopping.abort();
    await this.#sampling;
    return this.#maxMiB;
  }

  async #sample(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      for (const { name, pid } of this.#roles)
        this.#maxMiB.set(name, Math.max(this.#maxMiB.get(name) ?? 0, await residentMiB(pid)));
      await pause(SAMPLE_MS, undefined, { signal: this.#stopping.signal }).catch(() => {});
    }
  }
}

/** 0 when the process is gone. */
async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024);
}
