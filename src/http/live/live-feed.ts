import type { RestrictedReaders, Sql } from "../../postgres/index.ts";
import type { UsageLog } from "../../usage/index.ts";
import { booksMark, type LiveFigures, liveFigures } from "./live-figures.ts";
import { type Run, RunBoard } from "./run-board.ts";

/** Whose figures: everybody's for operators (null), or one payee's. */
export type Audience = string | null;

type Listener = (figures: LiveFigures) => void;

const LOOK_EVERY_MS = 1_000;

/**
 * Tells listeners what moved, from one look at the books a second for all of them together: figures are read only when
 * the books have moved, for each audience once, one after the other. Nobody listens: nobody looks.
 */
export class LiveFeed {
  readonly runs = new RunBoard();
  readonly #sql: Sql;
  readonly #readers: RestrictedReaders | null;
  readonly #log: UsageLog;
  readonly #listeners = new Map<Audience, Set<Listener>>();
  readonly #last = new Map<Audience, string>();
  #timer: NodeJS.Timeout | undefined;
  #mark = "";
  #closed = false;
  readonly #onClose = new Set<() => void>();

  constructor(sql: Sql, readers: RestrictedReaders | null, log: UsageLog) {
    this.#sql = sql;
    this.#readers = readers;
    this.#log = log;
  }

  /**
   * What an audience would be told now. A payee's figures are read over the connections that its page's other questions are answered
   * over: what is kept for those is kept for these.
   */
  figures(audience: Audience): Promise<LiveFigures> {
    return audience === null || this.#readers === null
      ? this.#read(this.#sql, audience)
      : this.#readers.use(readerOf(audience), (sql) => this.#read(sql, audience));
  }

  #read(sql: Sql, audience: Audience): Promise<LiveFigures> {
    return liveFigures(sql, this.#log, audience, this.runs.current());
  }

  /** Calls back with each change from now on, until what it returns is called. */
  listen(audience: Audience, listener: Listener): () => void {
    const listeners = this.#listeners.get(audience) ?? new Set();
    this.#listeners.set(audience, listeners.add(listener));
    this.#lookSoon();
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0) return;
      this.#listeners.delete(audience);
      this.#last.delete(audience);
    };
  }

  /** For those who hold a stream open: called once, when the service stops. */
  whenClosed(end: () => void): () => void {
    this.#onClose.add(end);
    return () => this.#onClose.delete(end);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const end of [...this.#onClose]) end();
  }

  #lookSoon(): void {
    if (this.#closed || this.#timer !== undefined || this.#listeners.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#look()
        // A database that is away is looked for again; the page says by its own requests that it is away.
        .catch(() => {})
        .finally(() => {
          this.#timer = undefined;
          this.#lookSoon();
        });
    }, LOOK_EVERY_MS);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const mark = `${await booksMark(this.#sql)} ${this.runs.mark()}`;
    const moved = mark !== this.#mark;
    for (const audience of [...this.#listeners.keys()])
      if (moved || !this.#last.has(audience)) await this.#tell(audience);
    this.#mark = mark;
  }

  async #tell(audience: Audience): Promise<void> {
    // Nobody's connections go for a page that only listens.
    const onlyListens = audience !== null && this.#readers?.isOpen(readerOf(audience)) === false;
    const figures = await (onlyListens ? this.#read(this.#sql, audience) : this.figures(audience));
    const { as_of: _, ...rest } = figures;
    const content = JSON.stringify(rest, (key, value) => (key === "as_of" ? undefined : value));
    if (content === this.#last.get(audience)) return;
    this.#last.set(audience, content);
    for (const listener of this.#listeners.get(audience) ?? []) listener(figures);
  }
}

const readerOf = (payee: string) => ({ payee, customer: null });

export type { LiveFigures, Run };
