import type { Page } from "playwright-core";

export interface SettledStep {
  step: string;
  seconds: number;
}

/** Settles a month as an operator does it by hand: each step from the click until the page shows that it is done. */
export async function settleInBrowser(page: Page, period: string): Promise<SettledStep[]> {
  const steps: SettledStep[] = [];
  const take = async (step: string, click: () => Promise<void>, done: string) => {
    const begun = performance.now();
    await click();
    await page.locator(".step-list li.done", { hasText: done }).waitFor();
    steps.push({ step, seconds: (performance.now() - begun) / 1000 });
  };
  const confirmed = (name: RegExp) => async () => {
    await page.getByRole("button", { name }).click();
    await page.getByRole("dialog").getByRole("button", { name }).click();
  };
  await page.getByRole("button", { name: "Show what it would book" }).waitFor();
  await take("close", confirmed(/^Close /), "Closed");
  await take("plan", () => page.getByRole("button", { name: "Make the plan" }).click(), "Planned");
  for (const box of await page.locator(".check input").all()) await box.check();
  await take("approve", confirmed(/^Approve$/), "Approved");
  await take("pay", confirmed(/^Pay$/), "Paid");
  if (!page.url().includes(period)) throw new Error(`the page went away from ${period}`);
  return steps;
}
