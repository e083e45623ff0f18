import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

const NAME = /^usage-[\w-]+\.jsonl$/;
/** A file goes when all of its events are acknowledged, so it must not grow for ever. */
const EVENTS_PER_SEGMENT = 1000;

/** One file of events. It is deleted once none of them waits any more. */
export interface Segment {
  path: string;
  waiting: number;
  /** Open while events are still added. */
  fd: number | undefined;
  events: number;
}

/**
 * Events on disk until they are acknowledged: what was recorded survives the process, however it ends. Written through
 * the operating system's cache, so a machine that loses its power may lose the last seconds.
 */
export class Journal {
  readonly #folder: string;
  #current: Segment | undefined;

  /** @param folder of this process alone: what lies in it is taken for what an earlier one left. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
  }

  /** Takes over what an earlier process left, as files to be read one after the other. */
  leftovers(): string[] {
    const own = this.#current?.path;
    return readdirSync(this.#folder)
      .filter((name) => NAME.test(name))
      .map((name) => join(this.#folder, name))
      .filter((path) => path !== own)
      .flatMap((path) => {
        const taken = this.#newPath();
        try {
          renameSync(path, taken);
          return [taken];
        } catch (error) {
          // Another process was faster.
          if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
          throw error;
        }
      });
  }

  /** Reads a file that nothing is added to any more. The last line may have been cut off by the end of its process. */
  read(path: string): { segment: Segment; events: string[] } {
    const events = readFileSync(path, "utf8").split("\n").filter(isWhole);
    const segment: Segment = { path, waiting: events.length, fd: undefined, events: events.length };
    if (events.length === 0) unlinkSync(path);
    return { segment, events };
  }

  /**
   * Takes an event as JSON. Durable against the end of this process when it returns.
   * @throws what the file system says: the event may be there in part, and nothing is written behind that
   */
  append(event: string): Segment {
    const segment = this.#openSegment();
    try {
      writeAll(segment.fd ?? 0, Buffer.from(`${event}\n`));
    } catch (error) {
      this.seal();
      throw error;
    }
    segment.waiting++;
    segment.events++;
    if (segment.events >= EVENTS_PER_SEGMENT) this.seal();
    return segment;
  }

  /** Ends the current file. Answers its path when it holds events. */
  seal(): string | undefined {
    const segment = this.#current;
    this.#current = undefined;
    if (segment?.fd === undefined) return undefined;
    closeSync(segment.fd);
    segment.fd = undefined;
    if (segment.waiting === 0) unlinkSync(segment.path);
    return segment.waiting === 0 ? undefined : segment.path;
  }

  /** An event of the segment was acknowledged. */
  done(segment: Segment): void {
    segment.waiting--;
    if (segment.waiting > 0) return;
    if (segment === this.#current) this.seal();
    else unlinkSync(segment.path);
  }

  #openSegment(): Segment {
    if (this.#current === undefined) {
      const path = this.#newPath();
      this.#current = { path, waiting: 0, fd: openSync(path, "ax"), events: 0 };
    }
    return this.#current;
  }

  #newPath(): string {
    return join(this.#folder, `usage-${process.pid}-${crypto.randomUUID()}.jsonl`);
  }
}

/** A full disk takes a part of it first, and says so only with the next one. */
function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

function isWhole(line: string): boolean {
  try {
    return line !== "" && typeof JSON.parse(line) === "object";
  } catch {
    return false;
  }
}
