import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { Opened } from "../world/opened.ts";
import { OPERATOR_KEY } from "../world/roles.ts";
import type { LoadResult, LoadSettings } from "./send-load.ts";

/**
 * Node's default is small, and is emptied often. With 256 MiB the sender stood still for 140 to 160 ms once a run, which counted as the
 * service's.
 */
const ROOM_TO_DIE_YOUNG = ["--min-semi-space-size=32", "--max-semi-space-size=32"];
const SENDER = new URL("./send-load.ts", import.meta.url).pathname;

export interface RunningLoad {
  /** When its time is over, or when it was told to end. */
  result: Promise<LoadResult>;
  end(): void;
  /** Of a load that is `limited`: so many events may have been sent by now. */
  allow(events: number): void;
}

/** Where it sends to, in what size, with what ids. */
export type LoadInSize = Pick<LoadSettings, "url" | "batch" | "connections" | "seed">;

/** Starts a process that sends events over HTTP; it ends with this one. */
export function startLoad(opened: Opened, settings: Omit<LoadSettings, "key">): RunningLoad {
  const child = spawn(
    process.execPath,
    [...ROOM_TO_DIE_YOUNG, SENDER, JSON.stringify({ ...settings, key: OPERATOR_KEY })],
    {
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const ended = once(child, "exit");
  const result = Promise.all([text(child.stdout), ended]).then(([out, [code]]) => {
    if (out === "") throw new Error(`the load ended without a result, with ${code}`);
    return JSON.parse(out) as LoadResult;
  });
  result.catch(() => {});
  opened.later(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  // It may have ended before it reads that.
  child.stdin.on("error", () => {});
  return {
    result,
    end: () => child.stdin.end(),
    allow: (events) => child.stdin.write(`${events}\n`),
  };
}
