import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { present } from "../../../src/kernel/index.ts";
import { until } from "../../support/until.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const RESTART_MS = 300;
const READY_WITHIN_MS = 120_000;
const LAST_LINES = 8;
/** The shell becomes the process; what stays beside it kills it when our end of the pipe goes, however that happens. */
const END_WITH_PARENT = 'exec 3<&0; { cat <&3 >/dev/null 2>&1; kill -9 $$ 2>/dev/null; } & exec "$@" 3<&-';

export interface RoleSettings {
  name: string;
  /** What Node runs. */
  entry: string[];
  environment: NodeJS.ProcessEnv;
  /** Gets everything that it prints. */
  logFile: string;
}

/** What is different about one start: it is forgotten at the next one. */
export type Once = Partial<Pick<RoleSettings, "entry" | "environment">>;

/**
 * A process of the product under a supervisor, as in production: when it ends by itself it is started again, until
 * somebody kills or stops it on purpose.
 */
export class Role {
  readonly name: string;
  /** How each process ended that was not told to, oldest first: "SIGKILL", "exit code 70". */
  readonly ends: string[] = [];
  /** How often it was ready since the beginning. */
  ready = 0;
  #settings: RoleSettings;
  #child: ChildProcess | undefined;
  #url: string | undefined;
  #wanted = false;

  constructor(settings: RoleSettings) {
    this.name = settings.name;
    this.#settings = settings;
  }

  /** Where it answers; it may be down just now. */
  get url(): string {
    return present(this.#url, `the URL of ${this.name}`);
  }

  get pid(): number {
    return present(this.#child?.pid, `a process of ${this.name}`);
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const before = this.ready;
    await this.launch();
    await this.untilReady(before);
  }

  /** Does not wait. `once` holds for this process only, not for the one that the supervisor starts after it. */
  async launch(once: Once = {}): Promise<void> {
    this.#wanted = true;
    await this.#spawn(once);
  }

  /** Resolves when it was ready more than `before` times. @throws Error with its last words */
  async untilReady(before: number): Promise<void> {
    await until(() => this.ready > before, READY_WITHIN_MS).catch(async () => {
      const ends = this.ends.length === 0 ? "it runs" : `it ended with ${this.ends.join(", ")}`;
      throw new Error(
        `${this.name} is not ready after ${READY_WITHIN_MS} ms; ${ends}:\n${await this.lastWords()}`,
      );
    });
  }

  /** The last lines that its processes printed. */
  async lastWords(): Promise<string> {
    return (await this.#said()).split("\n").slice(-LAST_LINES).join("\n");
  }

  /** Whether a line that its processes printed is like this. */
  async hasSaid(pattern: RegExp): Promise<boolean> {
    return pattern.test(await this.#said());
  }

  #said(): Promise<string> {
    return readFile(this.#settings.logFile, "utf8").catch(() => "");
  }

  /** kill -9; it stays down until `start`. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** SIGTERM, and waits for its end; it stays down until `start`. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** kill -9 as the kernel's out-of-memory killer does it: the supervisor starts it again. */
  crash(): void {
    this.#child?.kill("SIGKILL");
  }

  /** SIGSTOP: it lives, and does nothing. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  /** SIGCONT. */
  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#wanted = false;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGCONT");
    child.kill(signal);
    await exited;
  }

  async #spawn({ entry, environment }: Once): Promise<void> {
    const log = await open(this.#settings.logFile, "a");
    const child = spawn(
      "sh",
      ["-c", END_WITH_PARENT, "role", process.execPath, ...(entry ?? this.#settings.entry)],
      {
        cwd: ROOT,
        env: { ...process.env, ...this.#settings.environment, ...environment },
        stdio: ["pipe", "pipe", log.fd],
      },
    );
    await log.close();
    this.#child = child;
    let said = "";
    child.stdout?.on("data", (chunk) => {
      said += chunk;
      const found = /^Tributary (?:answers|worker watches) at (\S+)/m.exec(said);
      if (found === null) return;
      this.#url = present(found[1], "its URL");
      child.stdout?.removeAllListeners("data").resume();
      this.ready += 1;
    });
    child.once("exit", (code, signal) => {
      if (!this.#wanted || this.#child !== child) return;
      this.ends.push(signal ?? `exit code ${code}`);
      void pause(RESTART_MS).then(() =>
        this.#wanted && this.#child === child ? this.#spawn({}) : undefined,
      );
    });
  }
}
