import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildDashboard } from "../../scripts/browser/built-dashboard.ts";
import { findChromium, launchChromium } from "../../scripts/browser/chromium.ts";
import { OPERATOR_KEY, type TestApi } from "../support/api.ts";
import { axeFaults } from "./axe-faults.ts";
import { secretFor, startMarketplace } from "./marketplace.ts";
import { makeTrouble } from "./troubles.ts";
import { type Visitor, visitor } from "./visitor.ts";

const CREATOR_PAGES = [
  "/",
  "/models",
  "/models/ada/llama-3-70b-code",
  "/shares",
  "/royalties",
  "/payouts",
  "/statements",
  "/statements/2023-11/USD",
  "/predictions",
  "/predictions/PREDICTION",
  "/webhooks",
  "/profile",
  "/no-such-page",
];
const OPERATOR_PAGES = [
  "/settlements",
  "/settlements/2023-11",
  "/settlements/2023-12",
  "/waiting",
  "/payees",
  "/payees/ada",
  "/metering",
  "/dead-letters",
  "/catalogue",
  "/catalogue/ada/llama-3-70b-code",
  "/keys",
  "/webhooks",
  "/stripe-events",
  "/money-back",
  "/audit-log",
  "/predictions/PREDICTION",
];
const CUSTOMER_PAGES = [
  "/",
  "/invoices",
  "/invoices/inv_2023-11_customer-1_USD",
  "/credits",
  "/predictions",
  "/privacy",
  "/no-such-page",
];

/** What counts as good: https://web.dev/articles/cls. It is 0 unless something is wrong. */
const JUMP_MAX = 0.1;

const executable = findChromium();

describe.skipIf(executable === undefined)("every page", () => {
  let api: TestApi;
  let browser: Browser;
  let prediction: string;
  beforeAll(async () => {
    buildDashboard();
    [api, browser] = await Promise.all([startMarketplace(), launchChromium(executable ?? "")]);
    await makeTrouble(api);
    const events = (await (await import("../../scripts/demo/trace.ts")).traceEvents()).slice(0, 1_500);
    const own = events.find((event) => JSON.stringify(event).includes("ada/llama-3-70b-code"));
    prediction = (own as { id: string }).id;
  });
  afterAll(async () => {
    await browser?.close();
    await api?.stop();
  });

  test("of creators is sound: nothing serious for axe in light and dark, no sideways scrolling at 320, 360 and 640 px, no jump while loading, no complaint", async () => {
    const key = await secretFor(api, { role: "payee", payee: "ada" });
    expect(await faultsOf(key, CREATOR_PAGES)).toEqual([]);
  }, 900_000);

  test("of operators is sound in the same way", async () => {
    expect(await faultsOf(OPERATOR_KEY, OPERATOR_PAGES)).toEqual([]);
  }, 900_000);

  test("of customers is sound in the same way", async () => {
    const limits = { currency: "USD", soft: "5.00", hard: "10.00" };
    const limited = await api.operator("PUT", "/v1/customers/customer-1/spend-limits", limits);
    expect(limited.status).toBe(200);
    const key = await secretFor(api, { role: "customer", customer: "customer-1" });
    expect(await faultsOf(key, CUSTOMER_PAGES)).toEqual([]);
  }, 900_000);

  async function faultsOf(key: string, paths: string[]): Promise<string[]> {
    const guest = await visitor(browser, api.url, 360);
    const faults: string[] = [];
    await guest.page.goto(`${api.url}/dashboard`);
    await guest.page.getByLabel("API key").waitFor();
    faults.push(...(await lookAt(guest, "/login")));
    await guest.signIn(key);
    for (const path of paths) {
      await guest.open(path.replace("PREDICTION", prediction));
      faults.push(...(await lookAt(guest, path)));
    }
    await guest.close();
    return faults;
  }
});

async function lookAt({ page, complaints, jumped }: Visitor, path: string): Promise<string[]> {
  const faults: string[] = [];
  const jump = await jumped();
  if (jump > JUMP_MAX) faults.push(`${path} jumped by ${jump.toFixed(3)} while it was loading`);
  // 640 is what is left of 1280 at a zoom of 200 %.
  for (const width of [320, 360, 640]) {
    await page.setViewportSize({ width, height: 900 });
    const wide = await page.evaluate<number>(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
    if (wide > 0) faults.push(`${path} is ${wide} px wider than ${width}`);
  }
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const fault of await axeFaults(page)) faults.push(`${path}, ${colorScheme}: ${fault}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  return [...faults, ...complaints.splice(0).map((text) => `${path}: ${text}`)];
}
