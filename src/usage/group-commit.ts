import { LogUnavailable } from "./usage-log.ts";

interface Entry<T> {
  items: readonly T[];
  bytes: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** So much may wait at most; then callers are refused rather than held in memory. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

/**
 * One `send` at a time; what arrives meanwhile goes out together in the next. A durable write costs a round trip
 * and a flush however much it carries, so the busier it is, the cheaper an item gets, and an idle log answers
 * at once. Each caller settles with the send that carried its items.
 */
export class GroupCommit<T> {
  readonly #send: (items: T[]) => Promise<void>;
  readonly #bytesOf: (item: T) => number;
  readonly #sendBytesMax: number;
  readonly #waiting: Entry<T>[] = [];
  #waitingBytes = 0;
  #draining: Promise<void> | undefined;

  /** A single item above `sendBytesMax` is sent alone. */
  constructor(parts: { send(items: T[]): Promise<void>; bytesOf(item: T): number; sendBytesMax: number }) {
    this.#send = parts.send;
    this.#bytesOf = parts.bytesOf;
    this.#sendBytesMax = parts.sendBytesMax;
  }

  async append(items: readonly T[]): Promise<void> {
    if (this.#waitingBytes > WAITING_BYTES_MAX) {
      throw new LogUnavailable(`more than ${WAITING_BYTES_MAX} bytes wait for the usage log`);
    }
    const portions = this.#portions(items).map((portion) => this.#enqueue(portion));
    this.#draining ??= this.#drain();
    await Promise.all(portions);
  }

  /** Resolves when nothing waits any more. */
  async settled(): Promise<void> {
    await this.#draining;
  }

  #portions(items: readonly T[]): { items: T[]; bytes: number }[] {
    const portions: { items: T[]; bytes: number }[] = [];
    for (const item of items) {
      const bytes = this.#bytesOf(item);
      const last = portions.at(-1);
      if (last !== undefined && last.bytes + bytes <= this.#sendBytesMax) {
        last.items.push(item);
        last.bytes += bytes;
      } else {
        portions.push({ items: [item], bytes });
      }
    }
    return portions;
  }

  #enqueue(portion: { items: T[]; bytes: number }): Promise<void> {
    this.#waitingBytes += portion.bytes;
    return new Promise((resolve, reject) => this.#waiting.push({ ...portion, resolve, reject }));
  }

  async #drain(): Promise<void> {
    for (let group = this.#takeGroup(); group.length > 0; group = this.#takeGroup()) {
      try {
        await this.#send(group.flatMap((entry) => entry.items));
        for (const entry of group) entry.resolve();
      } catch (error) {
        for (const entry of group) entry.reject(error);
      }
    }
    this.#draining = undefined;
  }

  #takeGroup(): Entry<T>[] {
    let bytes = 0;
    let count = 0;
    for (const entry of this.#waiting) {
      if (count > 0 && bytes + entry.bytes > this.#sendBytesMax) break;
      bytes += entry.bytes;
      count += 1;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }
}
