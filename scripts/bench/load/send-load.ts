import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { type Percentiles, percentiles } from "../measure/percentiles.ts";
import { authorizeRequests } from "./authorize-requests.ts";
import { type EventRequests, eventRequests } from "./event-requests.ts";
import { HttpConnection } from "./http-connection.ts";

// A process of its own, started by start-load.ts, so that sending and measuring do not wait for each other.

export interface LoadSettings {
  /** Events, or questions whether a prediction may run. */
  what?: "authorize";
  url: string;
  key: string;
  /** Events in one request; of authorize: customers that ask. */
  batch: number;
  connections: number;
  /** Requests a second, at times that are fixed beforehand; null: each connection sends when it has its answer. */
  requestsPerSecond: number | null;
  /** Sends no more than its stdin allows: each line there says how many events may have been sent by now. */
  limited?: true;
  /** Of input and output with each event; none when it is not there. */
  payloadBytes?: number;
  warmupSeconds: number;
  /** After the warm-up; null: until its stdin ends. */
  seconds: number | null;
  seed: number;
}

export interface LoadResult {
  /** Acknowledged within the measured time. */
  eventsPerSecond: number;
  /** Of every request that was due, from the time at which it was: a late one counts with its wait. */
  ackMs: Percentiles;
  /** All events that were acknowledged, also while warming up. */
  accepted: number;
  /** Requests that were answered with anything but 202 and all events accepted. */
  failed: number;
  /** The first such answer. */
  failure: string | null;
  /** Due, and without an answer when that was no longer waited for: of the acknowledgements they have what they waited. */
  unanswered: number;
  cpuSeconds: number;
}

/** Failures come at once, by the thousand: so many are enough to know. */
const FAILED_MAX = 100;

const DRAIN_MS_MAX = 30_000;

const LIMIT_ASK_MS = 5;

interface Line {
  connection: HttpConnection;
  requests: EventRequests;
}

class Load {
  readonly #settings: LoadSettings;
  readonly #begun = performance.now();
  readonly #ackMs: number[] = [];
  readonly #expected: [status: string, part: string];
  /** Events in one request. */
  readonly #size: number;
  #acknowledged = 0;
  #accepted = 0;
  #failed = 0;
  #failure: string | null = null;
  #unanswered = 0;
  #sent = 0;
  #allowed: number;
  #untilMs: number;

  constructor(settings: LoadSettings) {
    this.#settings = settings;
    const { limited, seconds, warmupSeconds } = settings;
    this.#allowed = limited ? 0 : Number.POSITIVE_INFINITY;
    this.#untilMs = seconds === null ? Number.POSITIVE_INFINITY : (warmupSeconds + seconds) * 1000;
    const { what, batch } = settings;
    this.#size = what === "authorize" ? 1 : batch;
    this.#expected =
      what === "authorize"
        ? ["HTTP/1.1 200", '"authorized":true']
        : ["HTTP/1.1 202", `"accepted":${batch},"rejected":[]`];
  }

  get elapsedMs(): number {
    return performance.now() - this.#begun;
  }

  get over(): boolean {
    return this.elapsedMs >= this.#untilMs || this.#failed >= FAILED_MAX;
  }

  end(): void {
    this.#untilMs = Math.min(this.#untilMs, this.elapsedMs);
  }

  get mayNotSend(): boolean {
    return this.#sent + this.#size > this.#allowed;
  }

  allow(events: number): void {
    this.#allowed = events;
  }

  async send({ connection, requests }: Line, dueMs: number): Promise<void> {
    this.#sent += this.#size;
    const answer = await connection.send(requests.next());
    const at = this.elapsedMs;
    const [status, part] = this.#expected;
    if (!answer.startsWith(status) || !answer.includes(part)) {
      this.#failed += 1;
      this.#failure ??= answer;
      return;
    }
    this.#accepted += this.#size;
    if (this.#measured(dueMs)) this.#ackMs.push(at - dueMs);
    if (this.#measured(at)) this.#acknowledged += 1;
  }

  /** Gives up one that was due: it waited so long at least. */
  giveUp(dueMs: number): void {
    this.#unanswered += 1;
    if (this.#measured(dueMs)) this.#ackMs.push(this.elapsedMs - dueMs);
  }

  #measured(ms: number): boolean {
    return ms >= this.#settings.warmupSeconds * 1000 && ms < this.#untilMs;
  }

  result(): LoadResult {
    const { warmupSeconds } = this.#settings;
    const { user, system } = process.cpuUsage();
    const measuredSeconds = Math.min(this.#untilMs, this.elapsedMs) / 1000 - warmupSeconds;
    return {
      eventsPerSecond: measuredSeconds > 0 ? (this.#acknowledged * this.#size) / measuredSeconds : 0,
      ackMs: percentiles(this.#ackMs),
      accepted: this.#accepted,
      failed: this.#failed,
      failure: this.#failure,
      unanswered: this.#unanswered,
      cpuSeconds: (user + system) / 1e6,
    };
  }
}

async function sendWhenAnswered(load: Load, lines: readonly Line[]): Promise<void> {
  const run = async (line: Line) => {
    while (!load.over) {
      if (load.mayNotSend) await pause(LIMIT_ASK_MS);
      else await load.send(line, load.elapsedMs);
    }
  };
  await Promise.all(lines.map(run));
}

/** Sends at its times whether or not earlier requests were answered; without a free connection they wait in line. */
async function sendOnTime(load: Load, lines: readonly Line[], requestsPerSecond: number): Promise<void> {
  const free = [...lines];
  const due: number[] = [];
  const underWay = new Map<Line, number>();
  let scheduled = 0;
  const start = (line: Line, dueMs: number): void => {
    underWay.set(line, dueMs);
    void load.send(line, dueMs).then(() => {
      underWay.delete(line);
      const next = due.shift();
      if (next === undefined) free.push(line);
      else start(line, next);
    });
  };
  while (!load.over) {
    for (const now = load.elapsedMs; ; scheduled++) {
      const dueMs = (scheduled * 1000) / requestsPerSecond;
      if (dueMs > now) break;
      const line = free.pop();
      if (line === undefined) due.push(dueMs);
      else start(line, dueMs);
    }
    await pause(Math.max(1, (scheduled * 1000) / requestsPerSecond - load.elapsedMs));
  }
  // What was due is waited for: who cannot keep up must not look fast. A crowded machine must not end the benchmark either.
  for (const until = performance.now() + DRAIN_MS_MAX; free.length < lines.length; await pause(5))
    if (performance.now() > until) break;
  for (const dueMs of [...underWay.values(), ...due.splice(0)]) load.giveUp(dueMs);
}

async function main(): Promise<void> {
  const settings: LoadSettings = JSON.parse(process.argv[2] ?? "");
  const { what, url, key, batch, connections, requestsPerSecond, seed, payloadBytes } = settings;
  const requestsOf = (own: number) =>
    what === "authorize"
      ? authorizeRequests(url, key, batch, own)
      : eventRequests(url, key, batch, own, payloadBytes);
  const lines = await Promise.all(
    Array.from({ length: connections }, async (_, index) => ({
      connection: await HttpConnection.open(url),
      requests: requestsOf(seed * 1_000 + index),
    })),
  );
  const load = new Load(settings);
  // Whoever started this wants the result now, or has ended.
  const told = createInterface({ input: process.stdin });
  told.on("line", (events) => load.allow(Number(events))).on("close", () => load.end());
  if (requestsPerSecond === null) await sendWhenAnswered(load, lines);
  else await sendOnTime(load, lines, requestsPerSecond);
  const result = load.result();
  for (const { connection } of lines) connection.close();
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}

await main();
