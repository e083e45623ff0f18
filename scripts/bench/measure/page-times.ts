import type { Browser, Page } from "playwright-core";

const LOOK_EVERY_MS = 20;
const QUIET_MS = 150;
const GIVE_UP_AFTER_MS = 120_000;

/** Milliseconds since the page was gone to, once it shows what it is for and nothing in it is still on its way. */
const USABLE_AT = `document.querySelector("main h1, main .state, .login h1") !== null &&
  document.querySelector(".skeleton, [aria-busy=true]") === null ? performance.now() : null`;

export interface PageTime {
  ms: number;
  /** What it asked the API for. */
  calls: string[];
}

/** Somebody in front of the dashboard. */
export interface Looker {
  page: Page;
  /** Goes to a page as by its address, with nothing of the last one left but the browser's cache of files. */
  time(path: string): Promise<PageTime>;
  close(): Promise<void>;
}

/** Signs in with a key. @throws Error when a page shows an error, or never is usable */
export async function lookerWith(browser: Browser, url: string, key: string): Promise<Looker> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(GIVE_UP_AFTER_MS);
  const waiting = new Set<unknown>();
  const calls = new Set<string>();
  page.on("request", (request) => {
    const { pathname, search } = new URL(request.url());
    if (!pathname.startsWith("/v1/") || pathname === "/v1/live" || request.method() !== "GET") return;
    calls.add(pathname + search);
    waiting.add(request);
  });
  page.on("requestfinished", (request) => waiting.delete(request));
  page.on("requestfailed", (request) => waiting.delete(request));

  await page.goto(`${url}/dashboard`);
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();

  async function usable(): Promise<number> {
    let at: number | null = null;
    let since = 0;
    for (const begun = Date.now(); Date.now() - begun < GIVE_UP_AFTER_MS; ) {
      const looked = await page.evaluate<number | null>(USABLE_AT).catch(() => null);
      if (looked === null || waiting.size > 0) at = null;
      else if (at === null) [at, since] = [looked, Date.now()];
      else if (Date.now() - since >= QUIET_MS) return at;
      await page.waitForTimeout(LOOK_EVERY_MS);
    }
    throw new Error(`${page.url()} never was usable`);
  }

  return {
    page,
    async time(path) {
      // What the page before still asks for is not this one's.
      await page.goto("about:blank");
      waiting.clear();
      calls.clear();
      await page.goto(`${url}/dashboard${path}`, { waitUntil: "commit" });
      const ms = await usable();
      const alert = page.locator("[role=alert]");
      if ((await alert.count()) > 0) throw new Error(`${path}: ${await alert.first().innerText()}`);
      return { ms, calls: [...calls] };
    },
    close: () => context.close(),
  };
}
