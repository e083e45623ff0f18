import { readFile } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildDashboard } from "../../scripts/browser/built-dashboard.ts";
import { findChromium, launchChromium } from "../../scripts/browser/chromium.ts";
import { OPERATOR_KEY, type TestApi } from "../support/api.ts";
import { secretFor, startMarketplace } from "./marketplace.ts";
import { settled, visitor } from "./visitor.ts";

const FIRST_VIEW_BYTES_MAX = 200_000;
const executable = findChromium();

describe.skipIf(executable === undefined)("the dashboard, in a real browser", () => {
  let api: TestApi;
  let browser: Browser;
  beforeAll(async () => {
    buildDashboard();
    [api, browser] = await Promise.all([startMarketplace(), launchChromium(executable ?? "")]);
  });
  afterAll(async () => {
    await browser?.close();
    await api?.stop();
  });

  test("an operator settles a month: close, plan, approve with its hash, pay, reconcile", async () => {
    const { page, complaints, signIn, open, close } = await visitor(browser, api.url);
    await signIn(OPERATOR_KEY);
    await open("/settlements/2023-11");
    const confirm = async (name: RegExp) => {
      await page.getByRole("button", { name }).click();
      await page.getByRole("dialog").getByRole("button", { name }).click();
    };
    await page.getByRole("button", { name: "Show what it would book" }).click();
    await page.getByText("payees earned").waitFor();
    await confirm(/^Close November 2023$/);
    await page.getByRole("button", { name: "Make the plan" }).click();
    await page.getByRole("heading", { name: "Approve the plan" }).waitFor();
    const { body } = await api.operator("GET", "/v1/settlements/2023-11");
    const { plan_hash } = body as { plan_hash: string };
    await page.getByText(plan_hash).first().waitFor();
    await page.getByRole("button", { name: "Withdraw" }).click();
    const withdraw = page.getByRole("dialog").getByRole("button", { name: "Withdraw" });
    expect(await withdraw.isDisabled(), "without a reason").toBe(true);
    await page.getByLabel("Reason, kept with it").fill("a price is wrong");
    await withdraw.click();
    await page.getByText(/was withdrawn by .*: a price is wrong/).waitFor();
    await page.getByRole("button", { name: "Make the plan" }).click();
    await page.getByRole("heading", { name: "Approve the plan" }).waitFor();
    await confirm(/^Approve$/);
    await confirm(/^Pay$/);
    await page.locator(".step-list li.done", { hasText: "Approved" }).waitFor();
    await expect
      .poll(
        async () => ((await api.operator("GET", "/v1/settlements/2023-11")).body as { state: string }).state,
        { timeout: 60_000 },
      )
      .toBe("paid");
    await page.getByRole("button", { name: "Compare now" }).click();
    await page.getByText("No difference.").waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test("a creator's month, from signing in to the PDF, in the very figures of the API; live while it looks", async () => {
    const { page, complaints, signIn, close } = await visitor(browser, api.url);
    const key = await secretFor(api, { role: "payee", payee: "ada" });
    await signIn(key);
    await settled(page);
    const { body } = await api.as(key)("GET", "/v1/payees/ada/balances");
    const [balance] = body as { lifetime: { amount: string }; accruing: { amount: string } }[];
    const card = (name: string) => page.locator(".card", { hasText: name }).locator(".card-figure");
    expect(await amountIn(card("Lifetime"))).toBe(trimmed(balance?.lifetime.amount));

    await page.getByText("Live", { exact: true }).waitFor();
    const [event] = (await import("../../scripts/demo/trace.ts").then((m) => m.traceEvents())) as {
      data: object;
    }[];
    const december = { ...event, id: "december-1", time: "2023-12-02T10:00:00Z", subject: "customer-1" };
    const metrics = { predict_time: 1, input_token_count: 5_000_000, output_token_count: 1 };
    await api.send({
      ...december,
      data: { ...event?.data, model: "ada/llama-3-70b-code", status: "succeeded", metrics },
    });
    await expect.poll(() => amountIn(card("Accruing")), { timeout: 30_000 }).not.toBe("0.00");

    await page.getByRole("link", { name: "Models" }).click();
    await page.getByLabel("Month (UTC)").selectOption("2023-11");
    await page.getByRole("link", { name: "ada/llama-3-70b-code" }).click();
    await page.getByRole("radio", { name: "Customers' country" }).check({ force: true });
    await page.getByRole("cell", { name: "DE" }).first().waitFor();

    await page.getByRole("link", { name: "Statements" }).click();
    await page.getByRole("link", { name: "November 2023, USD" }).click();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "PDF" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("statement-2023-11-ada-USD.pdf");
    expect((await readFile(await download.path())).toString("latin1", 0, 5)).toBe("%PDF-");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API key").waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test("a stranger sees nothing of anybody: not on a page, not under another's address", async () => {
    const { page, signIn, open, close } = await visitor(browser, api.url);
    await open("/statements/2023-11/USD");
    await page.getByLabel("API key").waitFor();
    await signIn(await secretFor(api, { role: "payee", payee: "eve" }));
    const texts: string[] = [];
    for (const path of ["/", "/models", "/models/ada/llama-3-70b-code", "/payouts", "/statements"]) {
      await open(path);
      texts.push((await page.locator("main").innerText()).replaceAll("ada/llama-3-70b-code", ""));
    }
    expect(texts.join("\n")).not.toMatch(/\bada\b|Okafor|customer-\d/);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API key").fill(await secretFor(api, { role: "ingest" }));
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByText("has no pages here").waitFor();
    await close();
  }, 180_000);

  test("a customer sees what it used and owes, in the API's figures, and nothing of anybody else", async () => {
    const made = await api.operator("POST", "/v1/settlements/2023-11/invoices");
    expect(made).toMatchObject({ status: 200 });
    const { body } = await api.operator("GET", "/v1/invoices?limit=1000");
    const invoices = (body as { data: { id: string; customer: string; amount: { amount: string } }[] }).data;
    const own = invoices.find(({ customer }) => customer === "customer-1");
    const foreign = invoices.find(({ customer }) => customer === "customer-2");
    const { page, complaints, signIn, open, close } = await visitor(browser, api.url);
    await signIn(await secretFor(api, { role: "customer", customer: "customer-1" }));
    const texts: string[] = [];
    for (const path of ["/", "/invoices", `/invoices/${own?.id}`, "/credits", "/predictions", "/privacy"]) {
      await open(path);
      texts.push(await page.locator("main").innerText());
    }
    expect(texts[2]?.replaceAll(/\s/g, "")).toContain(trimmed(own?.amount.amount));
    expect(texts.join("\n")).not.toMatch(/customer-(?!1(?!\d))\d|earned|shares|royalt/i);
    await page.getByLabel(/^Kept for so many days/).fill("30");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    expect(complaints.splice(0)).toEqual([]);
    await open(`/invoices/${foreign?.id}`);
    await page.getByRole("heading", { name: "Not found" }).waitFor();
    await close();
  });

  test("predictions of a month are listed, narrowed down and opened, as the API lists them", async () => {
    const secret = await secretFor(api, { role: "customer", customer: "customer-1" });
    const month = "from=2023-11-01T00:00:00Z&to=2023-12-01T00:00:00Z";
    type List = { data: { id: string; model: string }[] };
    const listed = (await api.as(secret)("GET", `/v1/predictions?${month}&limit=50`)).body as List;
    const { page, complaints, signIn, open, close } = await visitor(browser, api.url);
    await signIn(secret);
    await open("/predictions");
    // On the last month with usage, as the other pages.
    await page.getByRole("heading", { name: "Predictions of December 2023" }).waitFor();
    expect(await page.getByLabel("Month").inputValue()).toBe("2023-12");
    const links = page.locator("main table tbody a");
    expect(await links.allInnerTexts()).toEqual(["december-1"]);
    await page.getByLabel("Month").fill("2023-11");
    await page.getByRole("button", { name: "Show" }).click();
    await expect.poll(() => links.allInnerTexts()).toEqual(listed.data.map(({ id }) => id));
    const [first] = listed.data;
    await page.getByLabel("Model").fill(first?.model ?? "");
    await page.getByRole("button", { name: "Show" }).click();
    const ofModel = (await api.as(secret)("GET", `/v1/predictions?${month}&limit=50&model=${first?.model}`))
      .body as List;
    await expect.poll(() => links.allInnerTexts()).toEqual(ofModel.data.map(({ id }) => id));
    await page.getByLabel("Version").fill("no such version");
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByText("No prediction of this month is like this.").waitFor();
    await page.getByLabel("Version").fill("");
    await page.getByRole("button", { name: "Show" }).click();
    await links.first().click();
    await page.getByRole("heading", { name: first?.id ?? "" }).waitFor();
    await signInAs(page, signIn, await secretFor(api, { role: "payee", payee: "lin" }));
    await open("/predictions");
    await links.first().waitFor();
    await signInAs(page, signIn, OPERATOR_KEY);
    await open("/predictions");
    await page.getByRole("heading", { name: "Predictions of November 2023" }).waitFor();
    await links.first().waitFor();
    expect(complaints).toEqual([]);
    await close();
  }, 180_000);

  test("a month that is named is asked for at once, before the page is told the payee's currency", async () => {
    const { page, complaints, signIn, open, close } = await visitor(browser, api.url);
    await signIn(await secretFor(api, { role: "payee", payee: "lin" }));
    let tell = () => {};
    const told = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const whichMonths = (url: URL) =>
      url.pathname.endsWith("/balances") || url.searchParams.get("group_by") === "month";
    await page.route(whichMonths, async (route) => {
      await told;
      await route.continue();
    });
    await page.goto(`${api.url}/dashboard/models?month=2023-11`);
    await page.getByText("November 2023, by day of service (UTC), in USD").waitFor();
    await page.locator("main table tbody a").first().waitFor();
    tell();
    await page.getByLabel("Month (UTC)").waitFor();
    await open("/models");
    expect(complaints).toEqual([]);
    await close();
  }, 120_000);

  test("the first view is small, and no word of it runs inline", async () => {
    const { page, complaints, signIn, open, close } = await visitor(browser, api.url);
    await signIn(await secretFor(api, { role: "payee", payee: "lin" }));
    const bytesOf = await loadedBytes(page);
    await open("/");
    await page.locator(".chart svg, .chart-place .state").first().waitFor();
    const bytes = bytesOf();
    expect(bytes).toBeGreaterThan(100_000);
    expect(bytes).toBeLessThan(FIRST_VIEW_BYTES_MAX);
    const answer = await fetch(`${api.url}/dashboard`);
    expect(answer.headers.get("content-security-policy")).toContain("script-src 'self'");
    expect(await answer.text()).not.toMatch(/<script(?![^>]*src=)|<style|onload=/);
    expect(complaints).toEqual([]);
    await close();
  });
});

async function signInAs(page: Page, signIn: (key: string) => Promise<void>, key: string): Promise<void> {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("API key").waitFor();
  await signIn(key);
}

/** Counts what comes over the wire for the page itself from now on, compressed, without headers and the browser's cache. */
async function loadedBytes(page: Page): Promise<() => number> {
  const browser = await page.context().newCDPSession(page);
  await browser.send("Network.enable");
  await browser.send("Network.setCacheDisabled", { cacheDisabled: true });
  const own = new Set<string>();
  let bytes = 0;
  browser.on("Network.requestWillBeSent", ({ requestId, request }) => {
    if (new URL(request.url).pathname.startsWith("/dashboard")) own.add(requestId);
  });
  browser.on("Network.responseReceived", ({ requestId, response }) => {
    if (own.has(requestId)) bytes -= response.encodedDataLength;
  });
  browser.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (own.has(requestId)) bytes += encodedDataLength;
  });
  return () => bytes;
}

/** The figure of a card, exactly as it can be read, without its currency. */
async function amountIn(place: { innerText(): Promise<string> }): Promise<string> {
  return (await place.innerText()).replaceAll(/[A-Z]{3}|\s/g, "");
}

/** As the page shows it: at least two digits after the point, no zeros after. */
function trimmed(amount = ""): string {
  return amount.replace(/(\.\d\d\d*?)0+$/, "$1");
}
