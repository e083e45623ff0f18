import fc from "fast-check";
import { expect, test } from "vitest";
import { parseNanos, payoutStep, present } from "../../src/kernel/index.ts";
import { type Candidate, planSettlement } from "../../src/settlement/plan/plan-settlement.ts";
import { monthOf } from "../support/marketplace-books.ts";

const CURRENCIES = ["USD", "JPY", "KWD", "HUF"] as const;
const nanos = (text: string) => present(parseNanos(text), "an amount");
const amounts = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n });
const positive = fc.bigInt({ min: 0n, max: 10n ** 15n });
const seldom = <T>(value: T) => fc.option(fc.constant(value), { freq: 6 });
const rarely = <T>(value: T) => fc.option(fc.constant(value), { nil: null, freq: 1 });

const situation = fc.record({
  frozen: rarely("a question is open").map((frozen) => (frozen === null ? null : frozen)),
  schedule: fc.constantFrom("monthly" as const, "monthly" as const, "quarterly" as const, "manual" as const),
  account: seldom("acct_x"),
  transfersEnabled: fc.constantFrom(true, true, true, false),
  disabledReason: fc.constant(null),
  taxFormMissing: fc.constantFrom(null, null, null, "none" as const, "expired" as const),
  chosen: fc.option(fc.constantFrom(...CURRENCIES), { freq: 2 }),
  minimumNanos: fc.oneof(fc.constant(0n), positive),
  lastPaidNanos: fc.option(positive),
  accountChange: fc.constant(null),
});
const balance = fc.record({
  payableNanos: fc.oneof(positive, amounts),
  committedNanos: fc.oneof(fc.constant(0n), positive),
  onHoldNanos: fc.oneof(fc.constant(0n), positive),
});
const candidates = fc
  .array(fc.tuple(situation, fc.dictionary(fc.constantFrom(...CURRENCIES), balance, { minKeys: 1 })), {
    maxLength: 5,
  })
  .map((payees) =>
    payees.flatMap(([{ chosen, ...terms }, balances], n) =>
      Object.entries(balances).map(
        ([currency, amounts]): Candidate => ({
          ...terms,
          ...amounts,
          payee: `payee${n}`,
          currency,
          paidIn: chosen ?? currency,
          onHoldUntil: amounts.onHoldNanos > 0n ? "2024-01-15" : null,
        }),
      ),
    ),
  );
const rates = fc
  .array(
    fc.tuple(
      fc.constantFrom(...CURRENCIES),
      fc.constantFrom(...CURRENCIES),
      fc.bigInt({ min: 1n, max: 10n ** 12n }),
    ),
    { maxLength: 12 },
  )
  .map(
    (pairs) =>
      new Map(
        pairs.map(([from, to, scaled], n) => [
          `${from} ${to}`,
          {
            rateNo: n,
            rate: `${scaled / 10n ** 6n}.${String(scaled % 10n ** 6n).padStart(6, "0")}`,
            source: "a bank",
            scaled,
          },
        ]),
      ),
  );

test("for any balances, terms and rates, each is paid, converted or carried with a reason, and nothing is added or lost", () => {
  let converted = 0;
  fc.assert(
    fc.property(candidates, rates, (given, stored) => {
      const { payouts, conversions, carried } = planSettlement(monthOf("2023-11"), given, new Map(), stored);
      const of = (payee: string, currency: string) =>
        given.find((one) => one.payee === payee && one.currency === currency);
      const available = (one: Candidate | undefined) =>
        one === undefined ? 0n : one.payableNanos - one.committedNanos;
      const free = (one: Candidate | undefined) => {
        const all = available(one);
        return one === undefined || all < 0n ? all : all > one.onHoldNanos ? all - one.onHoldNanos : 0n;
      };

      const told = [
        ...carried.map(({ payee, currency }) => `${payee} ${currency}`),
        ...conversions.map(({ payee, from }) => `${payee} ${from.currency}`),
        ...payouts.map(({ payee, currency }) => `${payee} ${currency}`),
      ];
      expect(new Set(told).size).toBe(told.length);
      for (const { payee, currency } of given) expect(told).toContain(`${payee} ${currency}`);

      for (const { payee, currency, amount, message } of carried) {
        expect(nanos(amount.amount)).toBe(available(of(payee, currency)));
        expect(message).toMatch(/\.$|: /);
      }
      for (const { payee, from, from_nanos, to, to_nanos, rate_no } of conversions) {
        converted++;
        const rate = present(stored.get(`${from.currency} ${to.currency}`), "the rate");
        expect(rate.rateNo).toBe(rate_no);
        expect(BigInt(from_nanos)).toBe(free(of(payee, from.currency)));
        // Never more than the rate gives, and less than a nano short of it.
        const exact = BigInt(from_nanos) * rate.scaled;
        expect(BigInt(to_nanos)).toBe(exact / 10n ** 6n);
        expect(payouts.some((payout) => payout.payee === payee && payout.currency === to.currency)).toBe(
          true,
        );
      }
      for (const { payee, currency, amount_nanos, carried: rest } of payouts) {
        const exchanged = conversions
          .filter((one) => one.payee === payee && one.to.currency === currency)
          .reduce((sum, { to_nanos }) => sum + BigInt(to_nanos), 0n);
        const [someone] = given.filter((one) => one.payee === payee && one.paidIn === currency);
        const { frozen, account, transfersEnabled, taxFormMissing, schedule, minimumNanos } = present(
          someone,
          "a balance",
        );
        const paid = BigInt(amount_nanos);
        expect(paid % payoutStep(currency)).toBe(0n);
        expect(paid > 0n && paid >= minimumNanos).toBe(true);
        expect([frozen, account, transfersEnabled, taxFormMissing, schedule]).toEqual([
          null,
          "acct_x",
          true,
          null,
          "monthly",
        ]);
        const own = of(payee, currency);
        expect(paid + nanos(rest.amount)).toBe(available(own) + exchanged);
        const left = free(own) + exchanged - paid;
        expect(left >= 0n && left < payoutStep(currency)).toBe(true);
      }
    }),
    { numRuns: 1_000 },
  );
  expect(converted).toBeGreaterThan(20);
});
