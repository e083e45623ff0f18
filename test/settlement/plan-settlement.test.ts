import fc from "fast-check";
import { expect, test } from "vitest";
import { parseNanos, payoutStep, present } from "../../src/kernel/index.ts";
import { type Candidate, planSettlement, settlementPlanHash } from "../../src/settlement/plan-settlement.ts";
import { monthOf } from "../support/marketplace-books.ts";

const MONTH = monthOf("2023-11");

function nanos(text: string): bigint {
  return present(parseNanos(text), "an amount");
}

function candidate(payable: string, more: Partial<Candidate> = {}): Candidate {
  return {
    payee: "ada",
    currency: "USD",
    payableNanos: nanos(payable),
    committedNanos: 0n,
    minimumNanos: 0n,
    frozen: null,
    lastPaidNanos: null,
    account: "acct_ada",
    transfersEnabled: true,
    disabledReason: null,
    ...more,
  };
}

test("a payable balance is paid down to the cent, and the rest is carried on", () => {
  const plan = planSettlement(MONTH, [candidate("12.349999999")]);
  expect(plan).toEqual({
    period: "2023-11",
    payouts: [
      {
        id: "po_2023-11_ada_USD",
        payee: "ada",
        currency: "USD",
        amount_nanos: "12340000000",
        amount: { currency: "USD", amount: "12.340000000" },
        account: "acct_ada",
        carried: { currency: "USD", amount: "0.009999999" },
      },
    ],
    carried: [],
    warnings: [],
    totals: [{ currency: "USD", payouts: 1, amount: { currency: "USD", amount: "12.340000000" } }],
  });
});

test.each([
  ["JPY", "1234.999999999", "1234.000000000"],
  ["KWD", "1.234999999", "1.234000000"],
  ["HUF", "99.990000000", "99.000000000"],
  ["EUR", "0.010000000", "0.010000000"],
])("%s is floored to what can be paid: %s becomes %s", (currency, payable, paid) => {
  const { payouts } = planSettlement(MONTH, [candidate(payable, { currency })]);
  expect(payouts.map(({ amount }) => amount)).toEqual([{ currency, amount: paid }]);
});

test.each<[string, Candidate, string, string]>([
  [
    "a cent below the minimum",
    candidate("9.99", { minimumNanos: nanos("10") }),
    "below_minimum",
    "0.010000000",
  ],
  [
    "the minimum reached only by fractions of a cent",
    candidate("10.004", { minimumNanos: nanos("10.004") }),
    "below_minimum",
    "0.004000000",
  ],
  ["no account", candidate("10", { account: null, transfersEnabled: false }), "no_account", "onboarding"],
  [
    "an account that is not ready",
    candidate("10", { transfersEnabled: false, disabledReason: "missing: external_account" }),
    "account_not_ready",
    "external_account",
  ],
  ["a negative balance", candidate("-0.000000001"), "negative_balance", "netted"],
  ["less than a cent", candidate("0.009999999"), "nothing_payable", "USD"],
  ["less than a yen", candidate("0.999999999", { currency: "JPY" }), "nothing_payable", "JPY"],
  [
    "everything committed already",
    candidate("10", { committedNanos: nanos("10") }),
    "nothing_payable",
    "USD",
  ],
  [
    "more committed than payable",
    candidate("10", { committedNanos: nanos("11") }),
    "negative_balance",
    "netted",
  ],
])("%s is carried on, with its reason", (_, given, reason, hint) => {
  const { payouts, carried } = planSettlement(MONTH, [given]);
  expect(payouts).toEqual([]);
  expect(carried).toMatchObject([{ payee: "ada", reason }]);
  expect(carried[0]?.message).toContain(hint);
});

test("exactly the minimum is paid", () => {
  const { payouts } = planSettlement(MONTH, [candidate("10", { minimumNanos: nanos("10") })]);
  expect(payouts).toHaveLength(1);
});

test("what an earlier plan has approved is not planned again", () => {
  const { payouts } = planSettlement(MONTH, [candidate("30", { committedNanos: nanos("12.5") })]);
  expect(payouts.map(({ amount_nanos }) => amount_nanos)).toEqual(["17500000000"]);
});

test("the order of the balances changes neither the plan nor its hash", () => {
  const all = [
    candidate("1"),
    candidate("2", { currency: "EUR" }),
    candidate("3", { payee: "lin", account: "acct_lin" }),
  ];
  const plan = planSettlement(MONTH, all);
  const reversed = planSettlement(MONTH, all.toReversed());
  expect(reversed).toEqual(plan);
  expect(settlementPlanHash(reversed)).toBe(settlementPlanHash(plan));
});

test("any change of an amount, an account or a reason changes the hash", () => {
  const hashes = [
    candidate("10"),
    candidate("10.01"),
    candidate("10", { account: "acct_other" }),
    candidate("10", { transfersEnabled: false, disabledReason: "a" }),
    candidate("10", { transfersEnabled: false, disabledReason: "b" }),
  ].map((one) => settlementPlanHash(planSettlement(MONTH, [one])));
  expect(new Set(hashes).size).toBe(hashes.length);
});

test("for any balances, each is either paid in whole steps or carried, and nothing is added or lost", () => {
  const amounts = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n });
  const positive = fc.bigInt({ min: 0n, max: 10n ** 15n });
  const candidates = fc.uniqueArray(
    fc.record({
      payee: fc.constantFrom("a", "b", "c", "d"),
      currency: fc.constantFrom("USD", "JPY", "KWD", "HUF"),
      payableNanos: amounts,
      committedNanos: positive,
      minimumNanos: positive,
      frozen: fc.option(fc.constant("a question is open")),
      lastPaidNanos: fc.option(positive),
      account: fc.option(fc.constant("acct_x")),
      transfersEnabled: fc.boolean(),
      disabledReason: fc.constant(null),
    }),
    { selector: ({ payee, currency }) => `${payee} ${currency}` },
  );
  fc.assert(
    fc.property(candidates, (given) => {
      const { payouts, carried } = planSettlement(MONTH, given);
      expect(payouts.length + carried.length).toBe(given.length);
      for (const { payee, currency, amount, message } of carried) {
        const from = present(
          given.find((one) => one.payee === payee && one.currency === currency),
          "the candidate",
        );
        expect(nanos(amount.amount)).toBe(from.payableNanos - from.committedNanos);
        expect(message).toMatch(/\.$|: /);
      }
      for (const { payee, currency, amount_nanos, carried: rest } of payouts) {
        const from = present(
          given.find((one) => one.payee === payee && one.currency === currency),
          "the candidate",
        );
        const paid = BigInt(amount_nanos);
        expect(paid % payoutStep(currency)).toBe(0n);
        expect(paid > 0n && paid >= from.minimumNanos && from.frozen === null).toBe(true);
        expect(paid + nanos(rest.amount)).toBe(from.payableNanos - from.committedNanos);
        expect(nanos(rest.amount) < payoutStep(currency)).toBe(true);
      }
    }),
  );
});

test("a payee at ten times its last payout, and a total over the limit, are warned of", () => {
  const plan = (payable: string, last: string | null, limit = "1000000") =>
    planSettlement(
      MONTH,
      [candidate(payable, { lastPaidNanos: last === null ? null : nanos(last) })],
      new Map([["USD", nanos(limit)]]),
    ).warnings.map(({ code }) => code);
  expect(plan("99.99", "10")).toEqual([]);
  expect(plan("100", "10")).toEqual(["ten_times_last"]);
  expect(plan("100", null)).toEqual([]);
  expect(plan("100", null, "100")).toEqual([]);
  expect(plan("100.01", null, "100")).toEqual(["total_over_limit"]);
});
