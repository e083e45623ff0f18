import type { Browser, Locator, Page } from "playwright-core";
import { expect } from "vitest";

/** Somebody in front of a browser; what the browser complains of is kept. */
export interface Visitor {
  page: Page;
  /** How much of the page has jumped since it was opened, without anybody having done something (cumulative layout shift). */
  jumped(): Promise<number>;
  /** Errors on the console (the page's policy complains there too) and uncaught ones. */
  complaints: string[];
  signIn(key: string): Promise<void>;
  /** Goes to a page of the dashboard and waits until nothing is on its way any more. */
  open(path: string): Promise<void>;
  close(): Promise<void>;
}

/** The browser reports questions whose answer is: nobody is signed in, or this month is not closed yet. */
const NOT_YET = /\/v1\/(sessions\/current|settlements\/\d{4}-\d{2})$/;

/** Runs in the page, before anything of it. */
const WATCH_JUMPS = `
  globalThis.jumped = 0;
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) globalThis.jumped += value;
  }).observe({ type: "layout-shift", buffered: true });
`;

export async function visitor(browser: Browser, url: string, width = 1440): Promise<Visitor> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, acceptDownloads: true });
  await context.addInitScript({ content: WATCH_JUMPS });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !NOT_YET.test(message.location().url))
      complaints.push(`${message.text()} ${message.location().url}`);
  });
  return {
    page,
    complaints,
    async signIn(key) {
      await page.goto(`${url}/dashboard`);
      await page.getByLabel("API key").fill(key);
      await page.getByRole("button", { name: "Sign in", exact: true }).click();
      await page.getByRole("button", { name: "Sign out" }).waitFor();
    },
    async open(path) {
      await page.goto(`${url}/dashboard${path}`);
      await settled(page);
    },
    jumped: () => page.evaluate<number>("jumped"),
    close: () => context.close(),
  };
}

export async function settled(page: Page): Promise<void> {
  await page.locator("h1, .state").first().waitFor();
  await expect.poll(() => page.locator(".skeleton, [aria-busy=true]").count(), { timeout: 60_000 }).toBe(0);
}

/** Presses a button inside, and the same one in the dialog that asks once more. */
export async function confirmed(page: Page, place: Locator, name: string): Promise<void> {
  await place.getByRole("button", { name }).click();
  await page.getByRole("dialog").getByRole("button", { name }).click();
  await settled(page);
}

export async function secretShown(page: Page, what: string): Promise<string> {
  const notice = page.locator(".notice", { hasText: `The ${what}, shown this once` });
  return notice.locator("code").innerText();
}
