import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const VERSION = "v0.203.0";
const BUILD_WITHIN_MS = 600_000;

/**
 * Stripe's own mock, which answers from its OpenAPI description: the one that STRIPE_MOCK names, or one that is built with Go
 * the first time and kept in the cache. Without either, why it is not there.
 */
export async function stripeMock(): Promise<{ program: string } | { missing: string }> {
  const named = process.env.STRIPE_MOCK;
  if (named)
    return isProgram(named)
      ? { program: named }
      : { missing: `STRIPE_MOCK names ${named}, which cannot be run` };
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const program = join(cache, "tributary", `stripe-mock-${VERSION}`, "stripe-mock");
  if (isProgram(program)) return { program };
  try {
    await build(program);
    return { program };
  } catch (error) {
    const { code, killed, stderr = "" } = error as { code?: string; killed?: boolean; stderr?: string };
    if (code === "ENOENT") return { missing: "there is no Go to build it with" };
    if (killed) return { missing: "building it with Go took more than ten minutes" };
    return { missing: `it could not be built: ${stderr.trim().split("\n").at(-1) ?? error}` };
  }
}

/** Complete or not there at all, also when two build it at once. */
async function build(program: string): Promise<void> {
  const partial = `${dirname(program)}.${process.pid}`;
  await mkdir(partial, { recursive: true });
  try {
    await promisify(execFile)("go", ["install", `github.com/stripe/stripe-mock@${VERSION}`], {
      env: { ...process.env, GOBIN: partial },
      timeout: BUILD_WITHIN_MS,
    });
    await mkdir(dirname(program), { recursive: true });
    await rename(join(partial, "stripe-mock"), program);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
