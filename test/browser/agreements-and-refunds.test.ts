import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildDashboard } from "../../scripts/browser/built-dashboard.ts";
import { findChromium, launchChromium } from "../../scripts/browser/chromium.ts";
import { OPERATOR_KEY, startTestApi, type TestApi } from "../support/api.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";
import { secretFor } from "./marketplace.ts";
import { confirmed, secretShown, type Visitor, visitor } from "./visitor.ts";

const executable = findChromium();
const INVOICE = "inv_2023-11_acme_USD";

describe.skipIf(executable === undefined)("terms, refunds and the keyboard, on the dashboard", () => {
  let api: TestApi;
  let browser: Browser;
  beforeAll(async () => {
    buildDashboard();
    [api, browser] = await Promise.all([
      startTestApi({ CORRECTION_APPROVAL_LIMITS: "USD=5" }),
      launchChromium(executable ?? ""),
    ]);
    await api.load(SMALL_CATALOG);
    await api.send(usageEvent({ id: "used", metrics: { input_token_count: 50_000 } }));
    for (const step of ["close", "invoices"])
      expect(await api.operator("POST", `/v1/settlements/2023-11/${step}`)).toMatchObject({ status: 200 });
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await api?.stop();
  });

  async function signedIn(key: string, width?: number): Promise<Visitor> {
    const guest = await visitor(browser, api.url, width);
    await guest.signIn(key);
    return guest;
  }
  const payee = async (name: string) => signedIn(await secretFor(api, { role: "payee", payee: name }));

  test("royalty terms are offered and withdrawn, offered again and accepted, and end for those who come later", async () => {
    const [ada, lin] = [await payee("ada"), await payee("lin")];
    const { page } = ada;
    const offer = async (percent: string) => {
      await page.getByLabel("Model of yours").fill("ada/llm");
      await page.getByLabel("Royalty in percent").fill(percent);
      await page.getByLabel("Wording that they accept").fill("For every model made from this one.");
      await page.getByRole("button", { name: "Offer" }).click();
    };
    const row = (percent: string) => page.getByRole("row", { name: new RegExp(`${percent} % of gross`) });
    await ada.open("/royalties");
    await offer("50");
    await row("50").getByText("in force").waitFor();
    await confirmed(page, row("50"), "Withdraw");
    await row("50").getByText("withdrawn").waitFor();
    await offer("12.5");
    await row("12.5").getByText("in force").waitFor();

    await lin.open("/royalties");
    await lin.page.getByLabel("Base model").fill("ada/llm");
    await lin.page.getByRole("button", { name: "Show its terms" }).click();
    await lin.page.getByText("12.5 % of gross, asked by ada").waitFor();
    await lin.page.getByLabel("Your model's name").fill("lin/tune");
    await confirmed(lin.page, lin.page.locator("main"), "Accept");
    await lin.page.getByText("the marketplace can register lin/tune now").waitFor();
    const made = await api.operator("PUT", "/v1/models/lin/tune", { payee: "lin", base_model: "ada/llm" });
    expect(made.status).toBeLessThan(300);

    await ada.open("/royalties");
    await row("12.5").getByText("1 ×").waitFor();
    await confirmed(page, row("12.5").first(), "End");
    await row("12.5").getByText("ended").waitFor();
    await lin.open("/royalties");
    await lin.page.getByRole("row", { name: /lin\/tune .*12\.5 % of gross/ }).waitFor();
    await lin.page.getByLabel("Base model").fill("ada/llm");
    await lin.page.getByRole("button", { name: "Show its terms" }).click();
    await lin.page.getByText("ada/llm asks for no royalty now").waitFor();
    expect([...ada.complaints, ...lin.complaints]).toEqual([]);
    await Promise.all([ada.close(), lin.close()]);
  }, 120_000);

  test("the marketplace's webhooks are added, get another secret, and are deleted", async () => {
    const { page, open, complaints, close } = await signedIn(OPERATOR_KEY);
    await open("/webhooks");
    await page.getByLabel("HTTPS address").fill("https://example.com/all");
    await page.getByRole("button", { name: "Add" }).click();
    const first = await secretShown(page, "signing secret");
    await page.getByRole("heading", { name: "https://example.com/all" }).waitFor();
    await page.getByRole("button", { name: "New signing secret" }).click();
    const second = await secretShown(page, "new signing secret");
    expect([first, second]).toEqual([expect.stringMatching(/^whsec_/), expect.stringMatching(/^whsec_/)]);
    expect(second).not.toBe(first);
    const { body } = await api.operator("GET", "/v1/webhook-endpoints");
    expect((body as { data: object[] }).data).toMatchObject([{ payee: null, customer: null }]);
    await page.getByText("What was sent").click();
    await page.getByText("Nothing was sent yet.").waitFor();
    await confirmed(page, page.locator("main"), "Delete");
    await page.getByText("There are none yet: nothing is sent anywhere.").waitFor();
    expect(complaints).toEqual([]);
    await close();
  }, 120_000);

  test("a refund is shown before it is made, and stands on the customer's invoice and at the creator's after", async () => {
    const operator = await signedIn(OPERATOR_KEY);
    const { page } = operator;
    await operator.open("/money-back");
    await page.getByLabel("Invoice", { exact: true }).fill(INVOICE);
    await page.getByLabel(/^Amount; all that is left/).fill("10");
    await page.getByLabel(/^Reason/).fill("the answers were cut off");
    await page.getByLabel("Have it made at Stripe too").uncheck();
    await page.getByRole("button", { name: "Show what it would do" }).click();
    // A fifth of it was the marketplace's; ada gives back the rest.
    const gaveBack = page.locator(".account-steps li", { hasText: "ada" });
    await gaveBack.getByText("−8.00").waitFor();
    const { body: before } = await api.operator("GET", `/v1/refunds?invoice=${INVOICE}`);
    expect((before as { data: object[] }).data).toEqual([]);
    await confirmed(page, page.locator("main"), "Refund");
    await page.getByText(/^Refunded:/).waitFor();
    await page.getByRole("row", { name: /the answers were cut off/ }).waitFor();

    const customer = await signedIn(await secretFor(api, { role: "customer", customer: "acme" }), 360);
    await customer.open("/invoices");
    await customer.page.getByRole("link", { name: "November 2023" }).click();
    await customer.page.getByRole("heading", { name: "Invoice of November 2023" }).waitFor();
    const { body } = await api.operator("GET", `/v1/refunds?invoice=${INVOICE}`);
    const [refund] = (body as { data: { credited: { amount: string }; reason: string }[] }).data;
    expect(refund).toMatchObject({
      credited: { amount: "10.000000000" },
      reason: "the answers were cut off",
    });
    const shown = customer.page.getByRole("row", { name: /the answers were cut off/ });
    await shown.getByText("10.00").first().waitFor();
    await customer.page.locator(".account-steps .total").getByText("50.00").waitFor();

    const ada = await payee("ada");
    await ada.open("/payouts");
    await ada.page.getByText("−8.00").waitFor();
    expect([operator, customer, ada].flatMap(({ complaints }) => complaints)).toEqual([]);
    await Promise.all([operator.close(), customer.close(), ada.close()]);
  }, 120_000);

  test("a customer beyond its limit and without credits reads how far, at a full red bar, and no negative amount left", async () => {
    await api.send(
      usageEvent({
        id: "not invoiced",
        time: "2023-12-02T00:00:00Z",
        metrics: { input_token_count: 10_000 },
      }),
    );
    const limits = { currency: "USD", period: "total", soft: null, hard: "20", prepaid: false };
    expect(await api.operator("PUT", "/v1/customers/acme/spend-limits", limits)).toMatchObject({
      status: 200,
    });
    const { page, open, complaints, close } = await signedIn(
      await secretFor(api, { role: "customer", customer: "acme" }),
      360,
    );
    await open("/");
    const facts = page.locator(".facts");
    await facts.getByText("300 % of the limit").waitFor();
    const bar = await facts.getByRole("meter").evaluate((meter) => {
      const { value, max, high, low, optimum } = meter as unknown as Record<
        "value" | "max" | "high" | "low" | "optimum",
        number
      >;
      return { value, max, red: optimum < low && value > high };
    });
    expect(bar).toEqual({ value: 1, max: 1, red: true });
    await facts.getByText(/40\.00.* beyond it/).waitFor();
    await facts.getByText(/10\.00.* used or reserved beyond them/).waitFor();
    await expect.poll(() => facts.textContent()).not.toContain("−");
    expect(complaints).toEqual([]);
    await close();
  }, 120_000);

  test("what a customer is owed is recorded as paid back; above the limit it waits, and is withdrawn or approved", async () => {
    const other = await api.keyFor({ role: "operator" });
    const credit = { kind: "credit", customer: "globex", currency: "USD", reason: "we were down" };
    for (const [by, amount] of [
      [api.operator, "4"],
      [api.operator, "4.5"],
      [other, "20"],
    ] as const)
      expect((await by("POST", "/v1/corrections", { ...credit, amount })).status).toBe(201);
    const { page, open, complaints, close } = await signedIn(OPERATOR_KEY);
    await open("/money-back");
    const owed = page.getByRole("row", { name: /Globex globex/ });
    const correction = (text: RegExp) => page.getByRole("row", { name: text });
    const dialog = page.getByRole("dialog");
    const record = async (amount: string, reference: string) => {
      await owed.getByRole("button", { name: "Record a repayment" }).click();
      await dialog.getByLabel("Amount in USD, at most 8.5").fill(amount);
      await dialog.getByLabel("Paid on (UTC)").fill("2023-12-05");
      await dialog.getByLabel("The bank's reference").fill(reference);
      await dialog.getByLabel("Reason").fill("as they asked");
      await dialog.getByRole("button", { name: "Record a repayment" }).click();
    };
    await owed.getByText("8.50").waitFor();
    await record("8.50", "wire-1");
    await page.getByText("The repayment waits below for somebody else's approval.").waitFor();
    const waits = correction(/repayment of globex .*wire-1/);
    await waits.getByRole("button", { name: "Withdraw" }).click();
    await dialog.getByLabel("Reason, kept with it").fill("the wire was not sent");
    await dialog.getByRole("button", { name: "Withdraw" }).click();
    await waits.getByText(/withdrawn by .*: the wire was not sent/).waitFor();
    await record("4.50", "wire-2");
    await page.getByText("The repayment is booked.").waitFor();
    await owed.getByText("4.00").waitFor();
    await confirmed(page, correction(/credit of globex needs approval/), "Approve");
    await owed.getByText("24.00").waitFor();

    const customer = await signedIn(await secretFor(api, { role: "customer", customer: "globex" }), 360);
    await customer.open("/credits");
    const shown = customer.page.getByRole("row", { name: /as they asked/ });
    await shown.getByText("4.50").waitFor();
    expect([...complaints, ...customer.complaints]).toEqual([]);
    await Promise.all([close(), customer.close()]);
  }, 120_000);

  test("a plan is withdrawn with a reason; of one that is approved, what was refunded since is not said to be paid", async () => {
    const operator = await signedIn(OPERATOR_KEY);
    const { page } = operator;
    const step = (name: string) => api.operator("POST", `/v1/settlements/2023-11/${name}`);
    expect(await step("plan")).toMatchObject({ status: 200 });
    await operator.open("/settlements/2023-11");
    await page.getByRole("columnheader", { name: "To be paid" }).waitFor();
    await page.getByRole("button", { name: "Withdraw" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Reason, kept with it").fill("a refund is coming");
    await dialog.getByRole("button", { name: "Withdraw" }).click();
    await page.getByText(/^The plan before was withdrawn by operator on .*: a refund is coming$/).waitFor();
    await page.getByRole("button", { name: "Make the plan" }).click();
    await page.getByRole("button", { name: "Withdraw" }).waitFor();
    await confirmed(page, page.locator("main"), "Approve");
    const left = { invoice: INVOICE, reason: "none of it was of use" };
    expect(await api.operator("POST", "/v1/refunds", left)).toMatchObject({ status: 201 });
    await page.getByRole("button", { name: "Pay", exact: true }).click();
    await dialog.getByRole("button", { name: "Pay" }).click();
    await page.getByText("nothing sent of").waitFor();
    await page.getByRole("columnheader", { name: "Approved" }).waitFor();
    await operator.open("/settlements");
    await page.getByRole("row", { name: /November 2023 paid/ }).waitFor();
    const ada = await payee("ada");
    await ada.open("/payouts");
    await ada.page.locator("section", { hasText: "carried on" }).locator(".big").getByText("0.00").waitFor();
    expect([...operator.complaints, ...ada.complaints]).toEqual([]);
    await Promise.all([operator.close(), ada.close()]);
  }, 120_000);

  test("without a mouse: past the pages' list, to a page's name, through a dialog and back to where it was opened", async () => {
    const guest = await visitor(browser, api.url);
    const { page } = guest;
    await page.goto(`${api.url}/dashboard`);
    await page.getByLabel("API key").focus();
    await page.keyboard.type(OPERATOR_KEY);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Sign out" }).waitFor();

    await guest.open("/payees");
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("Skip to the page");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.closest('main') !== null")).toBe(true);

    await page.getByRole("link", { name: "API keys" }).press("Enter");
    await expect.poll(() => focused(page)).toBe("API keys");
    expect(await page.title()).toBe("API keys – Tributary");
    const revoke = page.getByRole("button", { name: "Revoke" }).first();
    await revoke.press("Enter");
    await page.getByRole("dialog").waitFor();
    for (let presses = 0; presses < 4; presses++) {
      await page.keyboard.press("Tab");
      await expect
        .poll(() => page.evaluate("document.activeElement.closest('[role=dialog]') !== null"))
        .toBe(true);
    }
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await expect.poll(() => focused(page)).toBe("Revoke");
    expect(await outline(page)).toBe("solid");

    const rotate = page.getByRole("button", { name: "Rotate" }).first();
    await rotate.press("Enter");
    await page.getByRole("dialog").getByRole("button", { name: "Rotate" }).press("Enter");
    await page.getByText("The new key, shown this once").waitFor();
    await expect.poll(() => page.evaluate("document.activeElement.closest('main')?.id")).toBe("main");
    expect(guest.complaints).toEqual([]);
    await guest.close();
  }, 120_000);
});

/** What the one at the keyboard is at, in words. */
function focused(page: Page): Promise<string> {
  return page.evaluate("document.activeElement.textContent.trim()");
}

function outline(page: Page): Promise<string> {
  return page.evaluate("getComputedStyle(document.activeElement).outlineStyle");
}
