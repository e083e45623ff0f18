import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findChromium, launchChromium } from "../../scripts/browser/chromium.ts";
import { startTestApi, type TestApi } from "../support/api.ts";
import { axeFaults } from "./axe-faults.ts";

const executable = findChromium();

describe.skipIf(executable === undefined)("the reference of the API, in a real browser", () => {
  let api: TestApi;
  let browser: Browser;
  beforeAll(async () => {
    [api, browser] = await Promise.all([startTestApi(), launchChromium(executable ?? "")]);
  });
  afterAll(async () => {
    await browser?.close();
    await api?.stop();
  });

  test("each page opens without a complaint, asks nobody else, fits 360 px, and axe finds nothing serious", async () => {
    const page = await browser.newPage({ viewport: { width: 360, height: 900 } });
    const faults: string[] = [];
    const asked = new Set<string>();
    page.on("console", (message) => faults.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("request", (request) => asked.add(new URL(request.url()).origin));
    await page.goto(`${api.url}/reference`);
    const links = page.getByRole("navigation", { name: "Subjects" }).getByRole("link");
    const places = await links.evaluateAll((all) =>
      all.map((link) => (link as unknown as { href: string }).href),
    );
    expect(places.length).toBeGreaterThan(8);
    for (const place of places) {
      expect((await page.goto(place))?.status()).toBe(200);
      expect(await page.getByRole("heading", { level: 1 }).count()).toBe(1);
      const wide = await page.evaluate<number>(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      );
      if (wide > 0) faults.push(`${place} is ${wide} px wider than 360`);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        for (const fault of await axeFaults(page)) faults.push(`${place}, ${colorScheme}: ${fault}`);
      }
    }
    expect(faults).toEqual([]);
    expect([...asked]).toEqual([new URL(api.url).origin]);
    await page.close();
  });
});
