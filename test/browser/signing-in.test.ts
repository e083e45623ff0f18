import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildDashboard } from "../../scripts/browser/built-dashboard.ts";
import { findChromium, launchChromium } from "../../scripts/browser/chromium.ts";
import { type Mailbox, openMailbox } from "../http/access/mailbox.ts";
import { register, signInByMail } from "../http/access/people.ts";
import { startTestApi, type TestApi } from "../support/api.ts";
import { SMALL_CATALOG } from "../support/usage.ts";
import { visitor } from "./visitor.ts";

const executable = findChromium();

describe.skipIf(executable === undefined)("who is signed in on the dashboard", () => {
  let api: TestApi;
  let mailbox: Mailbox;
  let browser: Browser;
  beforeAll(async () => {
    buildDashboard();
    mailbox = await openMailbox();
    const settings = { DATA_DIR: mailbox.dataDir, MAIL_INTERVAL_MS: "50", USAGE_PARTITIONS: "1" };
    [api, browser] = await Promise.all([startTestApi(settings), launchChromium(executable ?? "")]);
    await api.load(SMALL_CATALOG);
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await api?.stop();
    await mailbox?.remove();
  });

  test("a link by mail signs in where the page is open already, and where somebody else is signed in", async () => {
    const { page, complaints, open, close } = await visitor(browser, api.url);
    await register(api, "ada-owner", { role: "payee", payee: "ada", duties: ["owner"] });
    await register(api, "sam-maker", { role: "operator", duties: ["maker"] });
    const linkFor = async (email: string) => {
      const ask = () => api.as(null)("POST", "/v1/login-links", { email });
      return `${api.url}/dashboard#login_token=${await mailbox.nextToken(email, ask)}`;
    };
    const link = await linkFor("ada-owner@example.com");
    await open("");
    // As from the address bar: only what stands after the # is new, and nothing is loaded.
    await page.goto(link);
    await page.locator(".who", { hasText: "ada-owner@example.com" }).waitFor();
    await page.goto(await linkFor("sam-maker@example.com"));
    await page.locator(".who", { hasText: "sam-maker@example.com" }).waitFor();
    await page.getByRole("heading", { name: "Settlements" }).waitFor();
    expect(page.url()).not.toContain("login_token");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API key").waitFor();
    // Used once: said, and not only to who opens a new tab.
    await page.goto(link);
    await page.getByRole("status").getByText(/link/).waitFor();
    expect(complaints).toEqual([expect.stringContaining("401")]);
    await close();
  }, 120_000);

  test("what takes another duty cannot be pressed, and the page says who does it", async () => {
    const { page, complaints, open, close } = await visitor(browser, api.url);
    const closing = page.getByRole("button", { name: "Close December 2023" });
    for (const duty of ["support", "approver"]) {
      await register(api, `kim-${duty}`, { role: "operator", duties: [duty] });
      const email = `kim-${duty}@example.com`;
      const token = await mailbox.nextToken(email, () => api.as(null)("POST", "/v1/login-links", { email }));
      await page.goto(`${api.url}/dashboard#login_token=${token}`);
      await page.locator(".who", { hasText: email }).waitFor();
      await open("/settlements/2023-12");
      await page.getByText("A month is closed by a maker.").waitFor();
      expect(await closing.getAttribute("aria-disabled")).toBe("true");
      const readsOnly = page.getByText("You may look at everything here, and change nothing.");
      expect(await readsOnly.count()).toBe(duty === "support" ? 1 : 0);
    }
    const isDisabled = (name: string) => page.getByRole("button", { name, disabled: true }).waitFor();
    await open("/money-back");
    await page.getByText("A refund is made by a maker.").waitFor();
    await page.getByText("A repayment is recorded by a maker.").waitFor();
    await isDisabled("Show what it would do");
    expect(await page.getByText("is approved by an approver").count(), "which this one is").toBe(0);
    await open("/catalogue/ada/llm");
    for (const name of ["Post the policy", "Post the price", "Try the price"]) await isDisabled(name);
    await page.getByText("A price is posted by a maker.").waitFor();
    await api.sql`SELECT append_usage_records(0, ARRAY[${Buffer.from("no event")}::bytea])`;
    await api.metered();
    await open("/dead-letters");
    await page.getByText("A dead letter is replayed by a maker.").waitFor();
    await isDisabled("Replay");
    await open("/waiting");
    expect(await page.getByText("A freeze is lifted").count(), "an approver lifts it too").toBe(0);
    // Only that no month of this name is closed yet.
    expect(complaints.filter((text) => !text.includes("404"))).toEqual([]);
    await close();
  }, 120_000);

  test("who did something is called by name, or by the address where there is none", async () => {
    const { page, complaints, open, close } = await visitor(browser, api.url);
    await register(api, "mia", { role: "operator", duties: ["maker"], name: "Mia Maker" });
    const mia = await signInByMail(api, mailbox, "mia@example.com");
    for (const step of ["close", "plan"])
      expect(await mia.call("POST", `/v1/settlements/2023-11/${step}`)).toMatchObject({ status: 200 });
    await register(api, "lee", { role: "operator", duties: ["support"] });
    const ask = () => api.as(null)("POST", "/v1/login-links", { email: "lee@example.com" });
    const token = await mailbox.nextToken("lee@example.com", ask);
    await page.goto(`${api.url}/dashboard#login_token=${token}`);
    await page.locator(".who", { hasText: "lee@example.com" }).waitFor();
    await open("/settlements/2023-11");
    await page.locator(".step-list").getByText("by Mia Maker").waitFor();
    await page.getByText(/, made by Mia Maker\./).waitFor();
    await open("/audit-log");
    await page.getByRole("cell", { name: "Mia Maker (operator)" }).first().waitFor();
    await page.getByRole("cell", { name: "lee@example.com (operator)" }).first().waitFor();
    await expect.poll(() => page.getByText("user:").count()).toBe(0);
    await open("/waiting");
    await page.getByText("A freeze is lifted by a maker or an approver.").waitFor();
    expect(complaints).toEqual([]);
    await close();
  }, 120_000);
});
