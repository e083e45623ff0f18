import { execFile } from "node:child_process";
import { chmod, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Whom the server runs as; empty for the user of this process. */
export interface RunAs {
  uid?: number;
  gid?: number;
}

/**
 * PostgreSQL refuses to run as root. Then it runs as the owner of the cluster; for a new one as the system user
 * `postgres`, which is made if it is missing, or as `nobody` where users cannot be made.
 * @throws Error when there is no such user
 */
export async function serverUser(cluster: string): Promise<RunAs> {
  if (process.getuid?.() !== 0) return {};
  const owner = await stat(cluster).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  try {
    return await idsOf("postgres");
  } catch {
    const flags = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"];
    // Two starts at once may both try: the second finds the user.
    await run("useradd", [...flags, "postgres"]).catch(() => {});
    return idsOf("postgres").catch(() => idsOf("nobody"));
  }
}

async function idsOf(user: string): Promise<RunAs> {
  const [uid, gid] = await Promise.all([run("id", ["-u", user]), run("id", ["-g", user])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

/**
 * Lets the server's user pass through the data folder; the folders above it are not ours to change.
 * @throws Error naming the folder that bars the way
 */
export async function letIn(dataDir: string, runAs: RunAs): Promise<void> {
  if (runAs.uid === undefined) return;
  if (!(await maySearch(dataDir, runAs))) await chmod(dataDir, (await stat(dataDir)).mode | 0o011);
  const barrier = await barrierTo(dirname(dataDir), runAs);
  if (barrier === undefined) return;
  throw new Error(
    `PostgreSQL cannot run as root, and its own user may not pass through ${barrier}: run "chmod o+x ${barrier}", or set DATA_DIR to another folder`,
  );
}

/** The first folder, from here up, that the server's user may not pass through. */
export async function barrierTo(folder: string, runAs: RunAs): Promise<string | undefined> {
  for (let path = folder; ; path = dirname(path)) {
    if (!(await maySearch(path, runAs))) return path;
    if (path === dirname(path)) return undefined;
  }
}

async function maySearch(folder: string, { uid, gid }: RunAs): Promise<boolean> {
  if (uid === undefined) return true;
  const found = await stat(folder);
  const searchBit = found.uid === uid ? 0o100 : found.gid === gid ? 0o010 : 0o001;
  return (found.mode & searchBit) !== 0;
}
