import { expect, onTestFinished, test } from "vitest";
import { approveCorrection, correct, refund } from "../../src/adjustments/index.ts";
import { makeInvoices } from "../../src/billing/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { close, expectBooksToHold } from "../billing/invoice-books.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { startTestMetering } from "../support/metering.ts";
import { tokenPrice, usageEvent } from "../support/usage.ts";

const MONTH = monthOf("2023-09");
const INVOICE = "inv_2023-09_acme_USD";

/** acme used ada's model for $10: 10,000 tokens. */
async function openBooks(): Promise<Sql> {
  const books = await startTestMetering({
    payees: ["ada", "lin"].map((id) => ({ id, name: id, country: "US", default_currency: "USD" })),
    customers: [{ id: "acme", name: "acme", currency: "USD" }],
    models: [{ id: "ada/llm", payee: "ada" }],
    prices: [tokenPrice("ada/llm")],
  });
  onTestFinished(() => books.drop());
  const metrics = { input_token_count: 10_000 };
  await books.apply(0, [
    [usageEvent({ id: "one", customer: "acme", time: "2023-09-14T12:00:00Z", metrics })],
  ]);
  await close(books.sql, MONTH);
  await makeInvoices(books.sql, MONTH, { by: "test" });
  return books.sql;
}

const said = (reference: string) => ({ reference, reason: "it was wrong", by: "test" });

function rerate(sql: Sql, reference: string, amount: string, limits?: ReadonlyMap<string, bigint>) {
  const components = [{ meter: "input_tokens", amount, per: "1000" }];
  const asked = { kind: "rerate" as const, model: "ada/llm", period: MONTH, currency: "USD", components };
  return correct(sql, { ...said(reference), asked, limits });
}

/** The same connections; just after usage was read for the nth time, somebody else does something. */
function interrupted(sql: Sql, nth: number, interrupt: () => Promise<unknown>): Sql {
  let reads = 0;
  return new Proxy(sql, {
    apply(target, self, args: [TemplateStringsArray, ...unknown[]]) {
      const query = Reflect.apply(target, self, args);
      if (!args[0].join("").includes("FROM usage_cells(") || ++reads !== nth) return query;
      return query.then(async (rows: unknown) => {
        await interrupt();
        return rows;
      });
    },
  });
}

async function charged(sql: Sql) {
  const [row] = await sql<[{ charged: string; refunded: string }]>`
    SELECT trim_scale(sum(gross + rerated))::text AS charged, trim_scale(sum(refunded))::text AS refunded
    FROM usage_cells(${"2023-09-01"}, NULL, NULL)`;
  return row;
}

test.each([1, 2])(
  "a re-rate charges its own price, though another was booked after it read what was charged (read %i)",
  async (nth) => {
    const sql = await openBooks();
    await rerate(
      interrupted(sql, nth, () => rerate(sql, "other", "0.50")),
      "mine",
      "0.70",
    );
    expect(await charged(sql)).toEqual({ charged: "7", refunded: "0" });
    await expectBooksToHold(sql);
  },
);

test("a re-rate to the price that was charged is none only as long as that is the price", async () => {
  const sql = await openBooks();
  await rerate(
    interrupted(sql, 2, () => rerate(sql, "other", "0.50")),
    "mine",
    "1.00",
  );
  expect(await charged(sql)).toEqual({ charged: "10", refunded: "0" });
  await expectBooksToHold(sql);
});

test("a refund of all gives back what is left then, though another was booked after it read what was", async () => {
  const sql = await openBooks();
  const other = () => refund(sql, { ...said("other"), asked: { invoice: INVOICE, amount: "4" } });
  await refund(interrupted(sql, 1, other), { ...said("mine"), asked: { invoice: INVOICE } });
  expect(await charged(sql)).toEqual({ charged: "10", refunded: "10" });
  await expectBooksToHold(sql);
});

test("what is approved is what was proposed: whatever changed it in between, it is refused until it is proposed anew", async () => {
  const sql = await openBooks();
  const none = new Map([["USD", 0n]]);
  const approve = ({ id }: { id: string }) => approveCorrection(sql, id, "checker");
  const first = await rerate(sql, "first", "2.00", none);
  const other = await rerate(sql, "other", "4.00", none);
  expect(await approve(other)).toMatchObject({ state: "booked" });
  await expect(approve(first)).rejects.toMatchObject({ code: "plan_outdated" });
  expect(await charged(sql)).toEqual({ charged: "40", refunded: "0" });
  expect(await sql`SELECT FROM correction WHERE id = ${first.id} AND adjustment_no IS NULL`).toHaveLength(1);
  const moved = {
    kind: "reattribution" as const,
    model: "ada/llm",
    period: MONTH,
    currency: "USD",
    from: "ada",
    to: "lin",
  };
  const sold = await correct(sql, { ...said("sold"), asked: moved, limits: none });
  await refund(sql, { ...said("refund"), asked: { invoice: INVOICE, amount: "4" } });
  await expect(approve(sold)).rejects.toMatchObject({ code: "plan_outdated" });
  expect(
    await approve(await correct(sql, { ...said("sold anew"), asked: moved, limits: none })),
  ).toMatchObject({
    state: "booked",
  });
  await expectBooksToHold(sql);
});
