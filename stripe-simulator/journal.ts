import { fdatasync, ftruncateSync, openSync, readFileSync, writeFile } from "node:fs";
import { promisify } from "node:util";

// Unlike `write`, this goes on until every byte is written.
const writeAll = promisify(writeFile);
const sync = promisify(fdatasync);

/** What happened, one JSON a line, in order. Concurrent writers share one sync. */
export interface Journal<Entry> {
  append(entry: Entry): void;
  /** Resolves when everything appended so far is on disk: before that nobody may be told of it. */
  durable(): Promise<void>;
}

/**
 * Opens the journal and replays it. A torn last line, from a kill in the middle of a write, is cut off: nobody was
 * told of it. @throws Error when an earlier line is damaged
 */
export function openJournal<Entry>(path: string | undefined, replay: (entry: Entry) => void): Journal<Entry> {
  if (path === undefined) return { append: () => {}, durable: async () => {} };
  const file = openSync(path, "a+", 0o600);
  ftruncateSync(file, replayLines(readFileSync(path, "utf8"), path, replay));

  let waiting: string[] = [];
  let writing: Promise<void> | undefined;
  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const lines = waiting.join("");
      waiting = [];
      await writeAll(file, lines);
      await sync(file);
    }
    writing = undefined;
  }
  return {
    append(entry) {
      waiting.push(`${JSON.stringify(entry)}\n`);
      writing ??= drain().catch(stop);
    },
    durable: async () => writing,
  };
}

/** How many bytes of the text are good. */
function replayLines<Entry>(text: string, path: string, replay: (entry: Entry) => void): number {
  const lines = text.split("\n");
  const torn = lines.pop() ?? "";
  let goodBytes = Buffer.byteLength(text) - Buffer.byteLength(torn);
  for (const [index, line] of lines.entries()) {
    const entry = parse<Entry>(line);
    if (entry !== undefined) replay(entry);
    else if (index === lines.length - 1) goodBytes -= Buffer.byteLength(line) + 1;
    else throw new Error(`${path}, line ${index + 1}: not a journal entry`);
  }
  return goodBytes;
}

function parse<Entry>(line: string): Entry | undefined {
  try {
    return JSON.parse(line) as Entry;
  } catch {
    return undefined;
  }
}

/** Memory is ahead of the disk and no answer would be true any more; the next start replays what is durable. */
function stop(error: unknown): never {
  console.error("the journal cannot be written:", error);
  process.exit(1);
}
