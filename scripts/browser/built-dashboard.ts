import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const PAGE = join(ROOT, "src/dashboard");
const BUILT = join(ROOT, "dist/dashboard/index.html");

/** `npm ci` has built it; what was changed since is built again. */
export function buildDashboard(): void {
  const changed = readdirSync(PAGE, { recursive: true, encoding: "utf8" })
    .map((name) => statSync(join(PAGE, name)))
    .filter((stat) => stat.isFile())
    .reduce((latest, { mtimeMs }) => Math.max(latest, mtimeMs), 0);
  if (existsSync(BUILT) && statSync(BUILT).mtimeMs >= changed) return;
  // As it is shipped, also when it is a test that builds it.
  const env = { ...process.env, NODE_ENV: "production" };
  execFileSync(process.execPath, [join(ROOT, "scripts/dashboard.ts")], { stdio: "inherit", env });
}
