import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Where a browser is: CHROMIUM, or where Debian puts it. In CI (CI=true) there must be one. */
export function findChromium(): string | undefined {
  const found = [process.env.CHROMIUM, ...PLACES].find((path) => path !== undefined && existsSync(path));
  if (found !== undefined) return found;
  if (process.env.CI === "true")
    throw new Error("no browser here: apt-get install chromium, or set CHROMIUM");
  console.warn(
    "\nTHE DASHBOARD IS NOT TESTED: there is no browser. Install chromium, or set CHROMIUM to where one is.\n",
  );
  return undefined;
}

/** With an empty profile of its own, which is removed when it is closed. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}
