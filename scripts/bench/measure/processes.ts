import { readdir, readFile } from "node:fs/promises";

/** What a process and its children used since they began. */
export interface Used {
  cpuSeconds: number;
  writtenBytes: number;
}

/** Linux counts in hundredths of a second, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

/** Of a process, its children that live and those that ended; null where /proc does not tell. */
export async function usedBy(pid: number | null): Promise<Used | null> {
  if (pid === null) return null;
  const own = await readOne(pid);
  if (own === null) return null;
  const children = await Promise.all((await childrenOf(pid)).map(readOne));
  return children.reduce<Used>((sum, child) => (child === null ? sum : plus(sum, child)), own);
}

export async function usedByAll(pids: readonly (number | null)[]): Promise<Used | null> {
  const used = await Promise.all(pids.map(usedBy));
  return used.reduce((sum, each) => (sum === null || each === null ? null : plus(sum, each)));
}

export function usedSince(before: Used | null, after: Used | null): Used | null {
  if (before === null || after === null) return null;
  return {
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    writtenBytes: after.writtenBytes - before.writtenBytes,
  };
}

/** The kernel adds a child's figures to its parent's when it has ended. */
async function readOne(pid: number): Promise<Used | null> {
  const fields = await statFields(pid);
  if (fields === null) return null;
  const io = await readFile(`/proc/${pid}/io`, "utf8").catch(() => "");
  // utime, stime, cutime, cstime
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  const written = Number(/^write_bytes: (\d+)/m.exec(io)?.[1] ?? 0);
  return { cpuSeconds: ticks / TICKS_PER_SECOND, writtenBytes: written };
}

async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = await Promise.all(pids.map(statFields));
  return pids.filter((_, index) => Number(stats[index]?.[1]) === parent);
}

/** The fields of /proc/<pid>/stat from the third one on: the second, the name, may hold spaces. */
async function statFields(pid: number): Promise<string[] | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  return stat === null ? null : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function plus(a: Used, b: Used): Used {
  return { cpuSeconds: a.cpuSeconds + b.cpuSeconds, writtenBytes: a.writtenBytes + b.writtenBytes };
}
