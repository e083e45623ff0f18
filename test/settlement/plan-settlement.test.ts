import { expect, test } from "vitest";
import { parseNanos, present } from "../../src/kernel/index.ts";
import {
  type Candidate,
  planSettlement,
  settlementPlanHash,
} from "../../src/settlement/plan/plan-settlement.ts";
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
    onHoldNanos: 0n,
    onHoldUntil: null,
    paidIn: more.currency ?? "USD",
    minimumNanos: 0n,
    frozen: null,
    schedule: "monthly",
    taxFormMissing: null,
    lastPaidNanos: null,
    accountChange: null,
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
    conversions: [],
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
  ["a cent below the minimum", candidate("9.99", { minimumNanos: nanos("10") }), "below_minimum", "0.01 USD"],
  [
    "the minimum reached only by fractions of a cent",
    candidate("10.004", { minimumNanos: nanos("10.004") }),
    "below_minimum",
    "0.004 USD",
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
    "nothing_payable",
    "carried on",
  ],
  ["frozen", candidate("10", { frozen: "who are you" }), "frozen", "who are you"],
  ["a manual schedule", candidate("10", { schedule: "manual" }), "not_this_month", "choose a monthly"],
  ["a quarterly schedule", candidate("10", { schedule: "quarterly" }), "not_this_month", "2023-12"],
  ["no tax form", candidate("10", { taxFormMissing: "none" }), "tax_form_missing", "W-9"],
  ["an expired tax form", candidate("10", { taxFormMissing: "expired" }), "tax_form_missing", "expired"],
  [
    "all of it on hold",
    candidate("10", { onHoldNanos: nanos("10"), onHoldUntil: "2023-12-31" }),
    "on_hold",
    "2023-12-31",
  ],
  [
    "a debt while something is on hold",
    candidate("-1", { onHoldNanos: nanos("3"), onHoldUntil: "2023-12-31" }),
    "negative_balance",
    "netted",
  ],
  ["no rate into the chosen currency", candidate("10", { paidIn: "EUR" }), "no_rate", "from USD to EUR"],
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

test("a payee at ten times its last payout, and a total over the limit, are warned of", () => {
  const plan = (payable: string, last: string | null, limit = "1000000") =>
    planSettlement(
      MONTH,
      [candidate(payable, { lastPaidNanos: last === null ? null : nanos(last) })],
      new Map([["USD", nanos(limit)]]),
    ).warnings;
  const codes = (...given: Parameters<typeof plan>) => plan(...given).map(({ code }) => code);
  expect(codes("99.99", "10")).toEqual([]);
  expect(codes("100", "10")).toEqual(["ten_times_last"]);
  expect(codes("100", null)).toEqual([]);
  expect(codes("100", null, "100")).toEqual([]);
  expect(codes("100.01", null, "100")).toEqual(["total_over_limit"]);
  const said = plan("100.5", "10", "100").map(({ message }) => message);
  expect(said).toEqual([
    "ada would be paid 100.50 USD, ten times the last payout (10.00 USD) or more.",
    "100.50 USD in all is more than the limit of 100.00 USD.",
  ]);
});

test("what is not on hold is paid, the rest waits", () => {
  const { payouts } = planSettlement(MONTH, [
    candidate("10", { onHoldNanos: nanos("7.5"), onHoldUntil: "2023-12-31" }),
  ]);
  expect(payouts).toMatchObject([{ amount: { amount: "2.500000000" }, carried: { amount: "7.500000000" } }]);
});

test("a quarterly schedule pays in the quarter's last month", () => {
  expect(
    planSettlement(monthOf("2023-12"), [candidate("10", { schedule: "quarterly" })]).payouts,
  ).toHaveLength(1);
});

const RATES = new Map([["USD EUR", { rateNo: 7, rate: "0.9137", source: "ECB 2023-11-30" }]]);

test("balances in two currencies are paid in the chosen one, converted at the stored rate and floored", () => {
  const { payouts, conversions, carried } = planSettlement(
    MONTH,
    [candidate("10.000000001", { paidIn: "EUR" }), candidate("-1.5", { currency: "EUR", paidIn: "EUR" })],
    new Map(),
    RATES,
  );
  expect(carried).toEqual([]);
  expect(conversions).toEqual([
    {
      id: "fx_2023-11_ada_USD_EUR",
      payee: "ada",
      from: { currency: "USD", amount: "10.000000001" },
      from_nanos: "10000000001",
      // 9.1370000009137
      to: { currency: "EUR", amount: "9.137000000" },
      to_nanos: "9137000000",
      rate: "0.9137",
      rate_no: 7,
      source: "ECB 2023-11-30",
    },
  ]);
  expect(payouts).toMatchObject([
    {
      id: "po_2023-11_ada_EUR",
      amount: { currency: "EUR", amount: "7.630000000" },
      carried: { amount: "0.007000000" },
    },
  ]);
});

test("nothing is converted for a payee that is not paid", () => {
  const waiting = candidate("10", { paidIn: "EUR", minimumNanos: nanos("10") });
  const plan = planSettlement(MONTH, [waiting], new Map(), RATES);
  expect(plan).toMatchObject({
    payouts: [],
    conversions: [],
    carried: [{ currency: "USD", reason: "below_minimum" }],
  });
  expect(plan.carried[0]?.message).toContain("0.87 EUR short");
});
