/** So much within a few seconds, of one partition, is a stream: waiting a little for more of it costs the database a third. */
const STREAM_BYTES = 65_536;
const FORGET_MS = 2_000;
/** A piece as large as this is followed by the next at once: there may be a backlog. */
const ENOUGH_BYTES = 262_144;
/** From one reading of a stream to the next. Less merges little: requests of a hundred events come to a partition a few times a second. */
const GATHER_MS = 400;

/**
 * When a partition is read next. What comes now and then is read at once; a stream in larger pieces, since a call that meters a
 * hundred events costs nearly as much as one of a thousand. Never later than it would be behind others' work: what takes
 * longer to apply than that is not waited for.
 */
export class Gathering {
  #level = 0;
  #readAtMs = Number.NEGATIVE_INFINITY;

  /** Notes what was read; answers how long after `appliedAtMs` the next reading may wait. Times of one clock. */
  pauseMs(bytes: number, readAtMs: number, appliedAtMs: number): number {
    this.#level = this.#level * Math.exp((this.#readAtMs - readAtMs) / FORGET_MS) + bytes;
    this.#readAtMs = readAtMs;
    if (this.#level < STREAM_BYTES || bytes >= ENOUGH_BYTES) return 0;
    return Math.max(0, readAtMs + GATHER_MS - appliedAtMs);
  }
}
