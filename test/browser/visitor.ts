import type { Browser, Page } from "playwright-core";
import { expect } from "vitest";

/** Somebody in front of a browser; what the browser complains of is kept. */
export interface Visitor {
  page: Page;
  /** Errors on the console (the page's policy complains there too) and uncaught ones. */
  complaints: string[];
  signIn(key: string): Promise<void>;
  /** Goes to a page of the dashboard and waits until nothing is on its way any more. */
  open(path: string): Promise<void>;
  close(): Promise<void>;
}

/** The browser reports questions whose answer is: nobody is signed in, or this month is not closed yet. */
const NOT_YET = /\/v1\/(sessions\/current|settlements\/\d{4}-\d{2})$/;

export async function visitor(browser: Browser, url: string, width = 1440): Promise<Visitor> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, acceptDownloads: true });
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
    close: () => context.close(),
  };
}

export async function settled(page: Page): Promise<void> {
  await page.locator("h1, .state").first().waitFor();
  await expect.poll(() => page.locator(".skeleton, [aria-busy=true]").count(), { timeout: 60_000 }).toBe(0);
}
