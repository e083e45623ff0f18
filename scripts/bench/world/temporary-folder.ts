import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Opened } from "./opened.ts";

/**
 * Waits for the end of our pipe, which comes with our own end however that happens. When the folder is still there then,
 * nobody has cleaned up: its PostgreSQL, which outlives its openers by design, is stopped, and the folder goes.
 */
const CLEAN_UP_AFTER_PARENT = `
  trap '' INT TERM
  cat >/dev/null
  [ -d "$1" ] || exit 0
  server=$(head -n 1 "$1/postgres/postmaster.pid" 2>/dev/null)
  [ -n "$server" ] && kill -INT "$server" && while kill -0 "$server"; do sleep 0.1; done
  for attempt in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$1" && exit 0; sleep 1; done`;

/** Goes with everything in it when the benchmark ends, also when it is killed. */
export async function temporaryFolder(opened: Opened): Promise<string> {
  const folder = await opened.open(mkdtemp(join(tmpdir(), "tributary-bench-")), (path) =>
    rm(path, { recursive: true, force: true }),
  );
  // In a session of its own, so that Ctrl-C in our terminal does not end it before us.
  const guard = spawn("sh", ["-c", CLEAN_UP_AFTER_PARENT, "bench", folder], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  guard.unref();
  return folder;
}
