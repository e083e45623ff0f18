import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { stripeClient } from "../stripe-simulator/stripe-client.ts";
import { startStripeProxy } from "../support/stripe-proxy.ts";
import { expectAskedOnce, type MadeMonth, MONTH, openMadeMonth } from "./made-month.ts";

const SCRIPT = new URL("../support/push-invoices-process.ts", import.meta.url).pathname;

const keysOf = (month: MadeMonth) =>
  month.sql`SELECT invoice_id, attempt, idempotency_key FROM invoice_push_attempt ORDER BY 1, 2`;

test("every customer is asked once, for the items of its invoice, and a second run asks nobody", async () => {
  const month = await openMadeMonth(3);
  expect(await month.push()).toMatchObject({ results: { pushed: 3 }, problems: [], stopped: null });
  await expectAskedOnce(month);
  const stripe = stripeClient(month.simulator);
  const [there] = await month.sql<{ provider_id: string }[]>`
    SELECT provider_id FROM invoice_push WHERE invoice_id = 'inv_2023-09_customer1_USD'`;
  const lines = await stripe.invoices.listLineItems(there?.provider_id ?? "");
  expect(lines.data.map(({ description }) => description)).toEqual([
    expect.stringContaining("ada/llm, 2023-09: 12345 input_tokens × 1.00 / 1000 = 12.345"),
    expect.stringContaining("ada/other"),
  ]);
  const before = await month.simulator.control("GET", "/state");
  expect(await month.push()).toMatchObject({ results: { pushed: 0 }, problems: [] });
  expect(await month.simulator.control("GET", "/state")).toEqual({ ...before, now: expect.any(Number) });
});

test.each([
  ["drop_after", "/v1/customers", 2],
  ["error_500_after", "/v1/customers", 2],
  ["drop_after", "/v1/invoices", 2],
  ["drop_before", "/v1/invoices", 2],
  ["error_500_after", "/v1/invoices", 3],
  ["drop_after", "/v1/invoiceitems", 3],
  ["error_500_after", "/v1/invoiceitems", 3],
  ["rate_limit", "/v1/invoiceitems", 3],
])(
  "answers lost by %s of %s are looked for by the next run, under the same keys",
  async (fault, path, times) => {
    const month = await openMadeMonth(3);
    await month.fault(fault, times, path);
    await month.push();
    const keys = await keysOf(month);
    const report = await month.push();
    expect(report).toMatchObject({ problems: [], stopped: null });
    expect(
      (await keysOf(month)).filter((row) => keys.some((key) => key.invoice_id === row.invoice_id)),
    ).toEqual(keys);
    await expectAskedOnce(month);
  },
);

test("an answer that never comes is unknown, and found by the next run", async () => {
  const month = await openMadeMonth(2);
  await month.fault("hang_after", 2, "/v1/invoices");
  expect(await month.push({ timeoutMs: 500 })).toMatchObject({ results: { unknown: 2 } });
  expect(await month.push()).toMatchObject({ results: { pushed: 2 } });
  await expectAskedOnce(month);
});

test("a key that is refused stops the run with nothing lost", async () => {
  const month = await openMadeMonth(3);
  expect(await month.push({ secretKey: "sk_live_x" })).toMatchObject({
    results: { pushed: 0 },
    stopped: expect.any(String),
  });
  expect(await month.push()).toMatchObject({ results: { pushed: 3 } });
  await expectAskedOnce(month);
});

test("two runs at once are one", async () => {
  const month = await openMadeMonth(3);
  const ends = await Promise.allSettled([month.push(), month.push()]);
  const refused = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
  expect(refused).toMatchObject([{ code: "invoices_running" }]);
  await expectAskedOnce(month);
});

test("a run killed with kill -9 again and again asks each customer once when it is run until done", async () => {
  const month = await openMadeMonth(8);
  const plug = { at: Number.POSITIVE_INFINITY, before: true, pull: () => {} };
  let requests = 0;
  const proxy = await startStripeProxy(month.simulator.url, async (forward) => {
    const deadly = ++requests === plug.at;
    if (deadly && plug.before) plug.pull();
    const answer = await forward();
    if (deadly && !plug.before) plug.pull();
    await pause(Math.random() * 10);
    return answer;
  });
  onTestFinished(proxy.stop);
  let kills = 0;
  for (let code: number | null = null; code !== 0; ) {
    const child: ChildProcess = spawn(process.execPath, [SCRIPT, month.url, proxy.url, MONTH], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    plug.at = kills < 3 ? requests + 1 + Math.floor(Math.random() * 15) : Number.POSITIVE_INFINITY;
    plug.before = Math.random() < 0.5;
    plug.pull = () => void child.kill("SIGKILL");
    [code] = (await once(child, "exit")) as [number | null];
    if (child.signalCode === "SIGKILL") kills++;
    else expect([0, 3]).toContain(code);
  }
  expect(kills).toBeGreaterThanOrEqual(2);
  await expectAskedOnce(month);
});

test.each([
  ["before Stripe has the draft", "drop_before"],
  ["after Stripe made the draft", "drop_after"],
  ["by errors that Stripe repeats under the key", "error_500_before"],
])(
  "cut off %s, and gone on with when Stripe has forgotten the keys, each customer is asked once",
  async (_, fault) => {
    const month = await openMadeMonth(2);
    await month.fault(fault, 2, "/v1/invoices");
    expect(await month.push()).toMatchObject({ results: { unknown: 2 } });
    for (let day = 0; day < 3; day++) {
      await month.simulator.control("POST", "/clock", { advance_seconds: 25 * 3_600 });
      await month.sql`UPDATE invoice_push_attempt SET started_at = started_at - interval '25 hours',
      missing_since = missing_since - interval '25 hours'`;
      await month.push();
    }
    await expectAskedOnce(month);
  },
);
