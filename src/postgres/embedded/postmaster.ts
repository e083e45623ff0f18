import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";

/** A running server, as its own postmaster.pid describes it. */
export interface Postmaster {
  pid: number;
  port: number;
}

/** The server that runs on this cluster; undefined when there is none, or when it has only just begun to start. */
export async function findPostmaster(cluster: string): Promise<Postmaster | undefined> {
  const noted = await readNote(cluster);
  return noted !== undefined && (await runsOn(noted.pid, cluster)) ? noted : undefined;
}

/**
 * PostgreSQL itself passes over a postmaster.pid whose process is gone. When the number belongs to another process by
 * now it refuses to start, so the file has to go.
 */
export async function removeStalePid(cluster: string): Promise<void> {
  const noted = await readNote(cluster);
  if (noted === undefined || !alive(noted.pid) || (await runsOn(noted.pid, cluster))) return;
  // Another start may have replaced it by now.
  if ((await readNote(cluster))?.pid === noted.pid)
    await rm(join(cluster, "postmaster.pid"), { force: true });
}

/** Whether this process is the server of this cluster: numbers are used again. */
export async function runsOn(pid: number, cluster: string): Promise<boolean> {
  if (!alive(pid)) return false;
  if (process.platform !== "linux") return true;
  try {
    // Empty for a process that has ended and was not collected by its parent.
    return (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0").includes(cluster);
  } catch {
    return false;
  }
}

export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function readNote(cluster: string): Promise<Postmaster | undefined> {
  let text: string;
  try {
    text = await readFile(join(cluster, "postmaster.pid"), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const [pid = "", , , port = ""] = text.split("\n");
  return /^\d+$/.test(pid) && /^\d+$/.test(port) ? { pid: Number(pid), port: Number(port) } : undefined;
}
