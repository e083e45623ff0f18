import { Journal, type Segment } from "./journal.ts";
import { type Rejection, sendBatch } from "./send-batch.ts";
import { toEvent, type Usage, type UsageEvent, withoutPayload } from "./usage.ts";
import { withoutSecrets } from "./without-secrets.ts";

export interface UsageClientOptions {
  /** Where Tributary answers, such as "https://billing.example.com". */
  url: string;
  /** A key with the role `ingest`. */
  key: string;
  /** Names this producer; with an event's id it is what the event is known by. Never change it for events sent again. */
  source: string;
  /**
   * A folder of this process alone. With it, usage survives a crash and an outage of any length; without it, at most
   * `queuedMax` events are kept, in memory.
   */
  journal?: string;
  /**
   * Takes out of input, output, logs and error what must not leave this process, before they stand in the journal or are sent. When
   * it throws, they are left out. Secrets that show by their look or name are replaced after it, and without it, by the
   * service's own rules. `false`: nothing is, the service does it before it keeps anything, and the journal has them until then.
   */
  redact?: ((usage: Usage) => Usage) | false;
  /** Events in one request, at most 1,000. */
  batchEvents?: number;
  /** How long an event waits for others. */
  delayMs?: number;
  /** Events held in memory. With a journal more of them wait on disk; without one `record` throws. */
  queuedMax?: number;
  fetch?: typeof fetch;
  /** An event that will never be counted, and why. It is not sent again. */
  onRejected?: (event: UsageEvent, rejection: Omit<Rejection, "index">) => void;
  /**
   * Something that does not go on as it is: wrong key, no connection. It is tried again, by itself. Also what is noted all the
   * same, but not as it should be: without a payload that JSON cannot write or `redact` could not take, or in memory alone, since the journal cannot.
   */
  onTrouble?: (error: Error) => void;
}

/** `record` was called faster than events could be sent, for too long, and there is no journal. */
export class UsageQueueFull extends Error {}

interface Waiting {
  /** As JSON. */
  event: string;
  segment: Segment | undefined;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Sends usage events in the background: in batches, again and again under the same ids until they are acknowledged, so
 * that each is counted exactly once whatever happens in between. It does not keep the process alive by waiting for a
 * batch to fill; before the process ends by itself, it sends what it has.
 */
export class UsageClient {
  readonly #options: Required<Pick<UsageClientOptions, "batchEvents" | "delayMs" | "queuedMax">> &
    UsageClientOptions;
  readonly #endpoint: { url: string; key: string; fetch: typeof fetch };
  readonly #journal: Journal | undefined;
  #queue: Waiting[] = [];
  /** Files whose events are not in memory: an earlier process left them, or the queue was full. */
  readonly #unread: string[];
  #spilling = false;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #closed = false;
  #stopped = false;
  readonly #beforeExit = () => void this.close();

  constructor(options: UsageClientOptions) {
    this.#options = { batchEvents: 500, delayMs: 1000, queuedMax: 100_000, ...options };
    this.#endpoint = { url: options.url, key: options.key, fetch: options.fetch ?? fetch };
    this.#journal = options.journal === undefined ? undefined : new Journal(options.journal);
    this.#unread = this.#journal?.leftovers() ?? [];
    process.once("beforeExit", this.#beforeExit);
    if (this.#unread.length > 0) void this.#send();
  }

  /**
   * Notes what a prediction used; with a journal it is on disk when this returns. Answers its id.
   * @throws UsageQueueFull without a journal, when too many events wait; what the file system says, when the journal cannot
   * be written either
   */
  record(usage: Usage): string {
    if (this.#closed) throw new Error("this usage client is closed");
    const event = toEvent(this.#redacted(usage), this.#options.source);
    const full = this.#queue.length >= this.#options.queuedMax;
    if (full && this.#journal === undefined) {
      throw new UsageQueueFull(
        `${this.#queue.length} events wait to be sent: give the client a journal, or record less`,
      );
    }
    this.#spill(full);
    const text = this.#asJson(event);
    const segment = this.#append(text);
    if (this.#spilling) this.#noteSpilled(segment);
    else this.#queue.push({ event: text, segment });
    this.#schedule();
    return event.id;
  }

  #redacted(usage: Usage): Usage {
    const { redact } = this.#options;
    if (redact === undefined || redact === false) return usage;
    try {
      return redact(usage) ?? usage;
    } catch (cause) {
      const { input, output, logs, error, ...bare } = usage;
      this.#options.onTrouble?.(
        new Error("sent without its payload, which could not be redacted", { cause }),
      );
      return bare;
    }
  }

  /** What cannot be written (a bigint, a circle) must not keep what was used, nor what was recorded after it, from being sent. */
  #asJson(event: UsageEvent): string {
    try {
      return JSON.stringify(this.#options.redact === false ? event : withoutSecrets(event));
    } catch (cause) {
      const bare = withoutPayload(event);
      if (bare === undefined) throw cause;
      const text = JSON.stringify(bare);
      const message = `${event.id} is sent without its payload, which is no JSON: ${String(cause)}`;
      this.#options.onTrouble?.(new Error(message, { cause }));
      return text;
    }
  }

  /** Where the disk is full, memory is better than nothing, as long as there is room in it. */
  #append(text: string): Segment | undefined {
    try {
      return this.#journal?.append(text);
    } catch (error) {
      if (this.#spilling) throw error;
      this.#options.onTrouble?.(error as Error);
      return undefined;
    }
  }

  /** Resolves when everything recorded so far is acknowledged or rejected, however long that takes. */
  async flush(): Promise<void> {
    while (!this.#stopped && (this.#queue.length > 0 || this.#unread.length > 0)) {
      const sending = this.#send();
      // A pause between two tries is cut short once: somebody waits now.
      this.#wake?.();
      await sending;
    }
    await this.#sending;
  }

  /**
   * Sends what it has, for at most `withinMs`, and stops. Answers how many events in memory were not acknowledged: with
   * a journal they wait there for the next process.
   */
  async close(withinMs = 10_000): Promise<number> {
    this.#closed = true;
    process.removeListener("beforeExit", this.#beforeExit);
    const deadline = AbortSignal.timeout(withinMs);
    const late = new Promise<void>((resolve) => deadline.addEventListener("abort", () => resolve()));
    await Promise.race([this.flush(), late]);
    this.#stopped = true;
    this.#wake?.();
    clearTimeout(this.#timer);
    this.#journal?.seal();
    return this.#queue.length;
  }

  /** While the queue is full events go to disk only; they are read again, in their order, when it is empty. */
  #spill(full: boolean): void {
    if (!full || this.#spilling) return;
    this.#spilling = true;
    this.#journal?.seal();
  }

  #noteSpilled(segment: Segment | undefined): void {
    if (segment?.events === 1) this.#unread.push(segment.path);
  }

  #schedule(): void {
    if (this.#queue.length >= this.#options.batchEvents) void this.#send();
    else this.#timer ??= setTimeout(() => void this.#send(), this.#options.delayMs).unref();
  }

  #send(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    let size = this.#options.batchEvents;
    let pause = FIRST_PAUSE_MS;
    for (this.#refill(); this.#queue.length > 0 && !this.#stopped; this.#refill()) {
      const batch = this.#queue.slice(0, size);
      const sent = await sendBatch(
        this.#endpoint,
        batch.map(({ event }) => event),
      );
      if (sent.outcome === "again") {
        this.#options.onTrouble?.(sent.trouble);
        await this.#pause(Math.max(sent.afterMs ?? 0, pause * (0.5 + Math.random() / 2)));
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      } else if (sent.outcome === "too_large" && batch.length > 1) {
        size = Math.ceil(batch.length / 2);
      } else if (sent.outcome === "too_large" && this.#strip(batch[0])) {
        // The same again, without what came in and out.
      } else {
        this.#settle(batch, sent.outcome === "taken" ? sent.rejected : [TOO_LARGE]);
        size = this.#options.batchEvents;
        pause = FIRST_PAUSE_MS;
      }
    }
  }

  /** Better metered without its payload than not at all. Answers whether there was something to leave out. */
  #strip(waiting: Waiting | undefined): boolean {
    const bare = waiting === undefined ? undefined : withoutPayload(eventOf(waiting));
    if (waiting === undefined || bare === undefined) return false;
    waiting.event = JSON.stringify(bare);
    return true;
  }

  #settle(batch: readonly Waiting[], rejected: readonly Rejection[]): void {
    this.#queue = this.#queue.slice(batch.length);
    for (const { segment } of batch) if (segment !== undefined) this.#journal?.done(segment);
    for (const { index, code, message } of rejected) {
      const waiting = batch[index];
      if (waiting !== undefined) this.#options.onRejected?.(eventOf(waiting), { code, message });
    }
  }

  #refill(): void {
    while (this.#queue.length === 0 && this.#unread.length > 0) {
      if (this.#unread.length === 1 && this.#spilling) {
        this.#spilling = false;
        this.#journal?.seal();
      }
      const { segment, events } = this.#journal?.read(this.#unread.shift() ?? "") ?? { events: [] };
      this.#queue.push(...events.map((event) => ({ event, segment })));
    }
  }

  /** Cut short by `flush` and `close`. It keeps the process alive only for `close`. */
  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = resolve;
      if (!this.#closed) timer.unref();
    });
    this.#wake = undefined;
  }
}

function eventOf({ event }: Waiting): UsageEvent {
  return JSON.parse(event) as UsageEvent;
}

const TOO_LARGE: Rejection = {
  index: 0,
  code: "body_too_large",
  message: "one event alone is larger than a request may be",
};
