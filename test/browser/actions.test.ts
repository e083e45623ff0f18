import { readFile } from "node:fs/promises";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildDashboard } from "../../scripts/browser/built-dashboard.ts";
import { findChromium, launchChromium } from "../../scripts/browser/chromium.ts";
import { type Mailbox, openMailbox } from "../http/access/mailbox.ts";
import { register } from "../http/access/people.ts";
import { OPERATOR_KEY, startTestApi, type TestApi } from "../support/api.ts";
import { SMALL_CATALOG, tokenPrice, usageEvent } from "../support/usage.ts";
import { secretFor } from "./marketplace.ts";
import { confirmed, secretShown, visitor } from "./visitor.ts";

const executable = findChromium();
const POET = { models: [{ id: "eve/poet", payee: "eve" }], prices: [tokenPrice("eve/poet")] };

describe.skipIf(executable === undefined)("what people do on the dashboard", () => {
  let api: TestApi;
  let mailbox: Mailbox;
  let browser: Browser;
  beforeAll(async () => {
    buildDashboard();
    mailbox = await openMailbox();
    const settings = { DATA_DIR: mailbox.dataDir, MAIL_INTERVAL_MS: "50", USAGE_PARTITIONS: "1" };
    [api, browser] = await Promise.all([startTestApi(settings), launchChromium(executable ?? "")]);
    await api.load(SMALL_CATALOG);
    await api.load({ payees: [{ id: "eve", name: "Eve", country: "US", default_currency: "USD" }], ...POET });
    const event = usageEvent({ id: "asked", metrics: { input_token_count: 50_000 } });
    const said = { input: { prompt: "a haiku on rivers" }, output: "water finds its way" };
    await api.send({ ...event, data: { ...event.data, ...said } });
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await api?.stop();
    await mailbox?.remove();
  });

  const payee = (name: string) => secretFor(api, { role: "payee", payee: name });

  test("a creator's first month: an account to finish, earnings, a payout, and the PDF of its statement", async () => {
    const { page, complaints, signIn, open, close } = await visitor(browser, api.url);
    const [account] = await api.sql<
      [{ id: string }]
    >`SELECT stripe_account AS id FROM payee WHERE id = 'eve'`;
    await stripeSays(api, account.id, {
      transfers: "inactive",
      currently_due: ["external_account", "tos_acceptance.date", "tos_acceptance.ip"],
    });
    await page.route("https://connect.stripe.com/**", (route) =>
      route.fulfill({ contentType: "text/html", body: "<h1>Stripe</h1>" }),
    );
    await signIn(await payee("eve"));
    await open("/profile");
    await page.getByText("a bank account or debit card").waitFor();
    expect(await page.getByText("your agreement to Stripe's terms").count()).toBe(1);
    await page.getByRole("button", { name: "Complete it at Stripe" }).click();
    await page.waitForURL(/connect\.stripe\.com\/setup/);
    await stripeSays(api, account.id, { transfers: "active" });
    await open("/profile");
    await page.getByText("ready.", { exact: true }).waitFor();
    await page.getByText("send them to its support").waitFor();

    await api.send(usageEvent({ id: "poem", model: "eve/poet", metrics: { input_token_count: 123_457 } }));
    await open("/");
    await page.locator(".card", { hasText: "Accruing" }).getByText("98.76").waitFor();
    await page.locator(".card", { hasText: "Payable" }).getByText("Nothing is settled yet").waitFor();
    for (const step of ["close", "plan", "approve", "pay"])
      expect(await api.operator("POST", `/v1/settlements/2023-11/${step}`)).toMatchObject({ status: 200 });
    await open("/payouts");
    await page.getByRole("heading", { name: "November 2023 paid" }).waitFor();
    await open("/statements");
    await page.getByRole("link", { name: "November 2023, USD" }).click();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "PDF" }).click(),
    ]);
    expect((await readFile(await download.path())).toString("latin1", 0, 5)).toBe("%PDF-");
    expect(complaints).toEqual([]);
    await close();
  }, 120_000);

  test("shares of a model's income are proposed, accepted, declined and taken back, each by who may", async () => {
    const [ada, lin] = [await visitor(browser, api.url), await visitor(browser, api.url, 360)];
    await ada.signIn(await payee("ada"));
    await lin.signIn(await payee("lin"));
    const propose = async (from: string) => {
      await ada.open("/shares");
      await ada.page.getByLabel("Model of yours").fill("ada/llm");
      await ada.page.getByLabel("From (UTC)").fill(from);
      await ada.page.getByLabel("Weight").first().fill("3");
      await ada.page.getByRole("button", { name: "Add a payee" }).click();
      await ada.page.getByLabel(/^Payee 2/).fill("lin");
      await ada.page.getByText("25.00 %").waitFor();
      await ada.page.getByRole("button", { name: "Propose" }).click();
      await ada.page.getByText("Proposed: the others are told.").waitFor();
    };
    const answer = async (label: string) => {
      await lin.open("/shares");
      await lin.page.getByRole("button", { name: label }).click();
      await lin.page.getByRole("dialog").getByRole("button", { name: label }).click();
    };
    await propose("2099-01-01");
    await answer("Accept");
    await lin.page.locator(".tag", { hasText: /^accepted$/ }).waitFor();
    await propose("2099-02-01");
    await answer("Decline");
    await lin.page.locator(".tag", { hasText: /^declined$/ }).waitFor();
    await propose("2099-03-01");
    await ada.page.getByRole("button", { name: "Take it back" }).click();
    await ada.page.locator(".tag", { hasText: /^withdrawn$/ }).waitFor();
    const { body } = await api.operator("GET", "/v1/models/ada/llm");
    const { policies } = body as { policies: { effective_from: string; steps: unknown[] }[] };
    expect(policies.map((policy) => policy.effective_from)).toEqual(["2099-01-01T00:00:00.000000Z"]);
    expect(policies[0]?.steps.at(-1)).toEqual({
      take: "shares",
      shares: [
        { payee: "ada", weight: 3 },
        { payee: "lin", weight: 1 },
      ],
    });
    expect([...ada.complaints, ...lin.complaints]).toEqual([]);
    await Promise.all([ada.close(), lin.close()]);
  }, 120_000);

  test("an owner, signed in by mail, makes a key, rotates and revokes it, and chooses how it is paid", async () => {
    const { page, complaints, open, close } = await visitor(browser, api.url);
    await register(api, "lin-owner", { role: "payee", payee: "lin", duties: ["owner"] });
    const email = "lin-owner@example.com";
    const token = await mailbox.nextToken(email, () => api.as(null)("POST", "/v1/login-links", { email }));
    await page.goto(`${api.url}/dashboard#login_token=${token}`);
    await page.getByRole("button", { name: "Sign out" }).waitFor();
    expect(page.url()).not.toContain(token);

    await open("/webhooks");
    await page.getByLabel("Name, to know it by").fill("bookkeeping");
    await page.getByRole("button", { name: "Make the key" }).click();
    const works = async (secret: string) => (await api.as(secret)("GET", "/v1/payees/lin/balances")).status;
    const first = await secretShown(page, "key");
    expect(await works(first)).toBe(200);
    const row = page.getByRole("row", { name: /bookkeeping/ });
    await confirmed(page, row.first(), "Rotate");
    const second = await secretShown(page, "new key");
    expect(await works(second)).toBe(200);
    const replacement = row.filter({ has: page.getByRole("button", { name: "Rotate" }) });
    await confirmed(page, replacement, "Revoke");
    await page.getByRole("cell", { name: /revoked/ }).waitFor();
    expect([await works(first), await works(second)]).toEqual([200, 401]);

    await open("/profile");
    await page.getByLabel("How often").selectOption("quarterly");
    await page.getByLabel(/^Converted into/).fill("eur");
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator(".facts", { hasText: "every quarter" }).getByText("EUR").waitFor();
    expect((await api.operator("GET", "/v1/payees/lin/payout-terms")).body).toMatchObject({
      schedule: "quarterly",
      payout_currency: "EUR",
    });
    expect(complaints).toEqual([]);
    await close();
  }, 120_000);

  test("a policy is written step by step, tried on a month, and posted; without a mouse too", async () => {
    const { page, complaints, signIn, open, close } = await visitor(browser, api.url);
    await signIn(OPERATOR_KEY);
    await open("/catalogue/eve/poet");
    const steps = page.locator(".policy-steps");
    await page.getByRole("button", { name: "Add: compute recovered" }).click();
    await steps.getByLabel("Amount").fill("0.002");
    const up = page.getByRole("button", { name: "Move step 2, Compute recovered, up" });
    await up.focus();
    await page.keyboard.press("Enter");
    await page.getByText("Compute recovered is step 1 now.").waitFor();
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe(
      "Move step 1, Compute recovered, up",
    );
    await page.getByRole("button", { name: "Remove step 1, Compute recovered" }).press("Enter");
    expect(await page.evaluate("document.activeElement.textContent")).toMatch(/^Add: /);
    await steps.getByLabel("Percent").fill("25");
    await page.getByRole("button", { name: "Add a payee" }).click();
    await steps.getByLabel(/^Payee 2/).fill("ada");

    await page.getByLabel("Month", { exact: true }).fill("2023-11");
    await page.getByRole("button", { name: "Preview" }).click();
    // Of 123.457: 98.7656 as it is; 75 % and half of that under the draft, which ada gets as well.
    await page.getByRole("row", { name: /^eve .*98\.76/ }).waitFor();
    await page.getByRole("row", { name: /^ada .*46\.29/ }).waitFor();
    await steps.getByLabel("Percent").fill("30");
    await page.getByText("The draft is another one now").waitFor();
    await page.getByText("The same as JSON, for the API").click();
    const text = await page.locator("pre.payload").innerText();
    await confirmed(page, page.locator("main"), "Post the policy");
    await page.getByText("Posted.").waitFor();
    const { body } = await api.operator("GET", "/v1/models/eve/poet");
    expect((body as { policies: { steps: unknown }[] }).policies.at(-1)?.steps).toEqual(JSON.parse(text));
    expect(complaints).toEqual([]);
    await close();
  }, 120_000);

  test("a price is written from the one that holds, tried on a month, and posted", async () => {
    const { page, complaints, signIn, open, close } = await visitor(browser, api.url);
    await signIn(OPERATOR_KEY);
    await open("/catalogue/eve/poet");
    await page.getByLabel("Amount 1").fill("");
    await page.getByRole("button", { name: "Try the price" }).click();
    await page.getByText(/a decimal string such as/).waitFor();
    await page.getByLabel("Amount 1").fill("2");
    await page.getByLabel("Month to try the price on").fill("2023-11");
    await page.getByRole("button", { name: "Try the price" }).click();
    // Twice the price of before is twice of everything.
    await page.getByRole("row", { name: /^eve .*98\.76.*197\.53/ }).waitFor();
    await page.getByRole("checkbox", { name: "failed" }).check();
    await page.getByLabel("Price in force from (UTC)").fill("2100-01-01T00:00:00Z");
    await confirmed(page, page.locator("main"), "Post the price");
    await page.getByText("The price is posted.").waitFor();
    const { body } = await api.operator("GET", "/v1/models/eve/poet");
    expect((body as { prices: unknown[] }).prices.at(-1)).toMatchObject({
      effective_from: expect.stringContaining("2100-01-01T00:00:00"),
      charge_statuses: ["succeeded", "failed", "canceled"],
      components: [{ meter: "input_tokens", amount: "2", per: "1000" }],
    });
    // The one refusal that was provoked.
    expect(complaints).toEqual([expect.stringContaining("400")]);
    await close();
  }, 120_000);

  test("an operator makes a prediction public and takes it back, sends a dead letter again, accepts a loss", async () => {
    const { page, complaints, signIn, open, close } = await visitor(browser, api.url);
    await signIn(OPERATOR_KEY);
    await open("/predictions/asked");
    await page.getByText("water finds its way").waitFor();
    await confirmed(page, page.locator("main"), "Make a public link");
    const { pathname } = new URL(await secretShown(page, "link"), api.url);
    const seen = await api.as(null)("GET", pathname);
    expect(seen.status).toBe(200);
    expect(JSON.stringify(seen.body)).toContain("water finds its way");
    await page.getByRole("button", { name: "Take it back" }).click();
    await page.getByText("There are none.", { exact: true }).waitFor();
    expect((await api.as(null)("GET", pathname)).status).toBe(404);

    await api.sql`SELECT append_usage_records(0, ARRAY[${Buffer.from("no event")}::bytea])`;
    await api.metered();
    await open("/dead-letters");
    await page.getByRole("button", { name: "Replay" }).click();
    await page.getByText(/^Sent again/).waitFor();

    await api.metered();
    expect(complaints).toEqual([]);
    // As retention leaves a log whose metering stood still: it begins after the cursor.
    await api.sql`UPDATE usage_log_partition SET next_offset = next_offset + 5`;
    await api.sql`DELETE FROM usage_log_record`;
    await open("/metering");
    await page.getByRole("button", { name: "Accept the loss" }).click();
    const sure = page.getByRole("dialog").getByRole("button", { name: "Accept the loss" });
    expect(await sure.isDisabled()).toBe(true);
    await page.getByLabel("Why the records are gone").fill("disk of broker 2");
    await sure.click();
    await page.getByText(/^Accepted .* disk of broker 2$/).waitFor();
    await close();
  }, 120_000);
});

async function stripeSays(api: TestApi, account: string, what: object): Promise<void> {
  const response = await fetch(`${api.simulator}/_simulator/accounts/${account}`, {
    method: "POST",
    body: JSON.stringify(what),
  });
  expect(response.ok).toBe(true);
}
