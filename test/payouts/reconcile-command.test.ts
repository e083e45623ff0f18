import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { present } from "../../src/kernel/index.ts";
import { stripeClient } from "../stripe-simulator/stripe-client.ts";
import { type ApprovedMonth, MONTH, openApprovedMonth, transfersAt } from "./approved-month.ts";

const SETTLE = new URL("../../scripts/settle.ts", import.meta.url).pathname;

async function settleReconcile({ books, simulator }: ApprovedMonth, ...options: string[]) {
  const child = spawn(process.execPath, [SETTLE, "reconcile", "--period", MONTH, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, DATABASE_URL: books.url, STRIPE_API_BASE: simulator.url },
  });
  let output = "";
  child.stdout.on("data", (text: Buffer) => {
    output += text;
  });
  const [code] = (await once(child, "close")) as [number];
  return { code, output };
}

test("settle reconcile ends with 0 on a month that agrees, and with 1, a list, JSON or CSV on one that does not", async () => {
  const month = await openApprovedMonth(2);
  await month.pay();
  expect(await settleReconcile(month)).toMatchObject({
    code: 0,
    output: expect.stringContaining("No difference."),
  });

  const [transfer] = await transfersAt(month.simulator);
  const { id } = await stripeClient(month.simulator).transfers.createReversal(
    present(transfer, "a transfer").id,
  );
  const list = await settleReconcile(month);
  expect(list).toMatchObject({ code: 1, output: expect.stringContaining("1 differences.") });
  expect(list.output).toContain("was reversed at Stripe");
  const json = await settleReconcile(month, "--json");
  expect(json.code).toBe(1);
  expect(JSON.parse(json.output)).toMatchObject({
    step: "reconcile",
    differences: [{ kind: "reversed", reference: id }],
  });
  const csv = await settleReconcile(month, "--csv");
  expect(csv.code).toBe(1);
  expect(csv.output.split("\r\n")).toMatchObject([
    expect.stringMatching(/^kind,payout,/),
    expect.stringMatching(/^reversed,/),
    "",
  ]);
});
