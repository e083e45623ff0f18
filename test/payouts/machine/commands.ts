import fc from "fast-check";
import { correct } from "../../../src/adjustments/index.ts";
import { firstDay, formatNanos, Refusal, rational } from "../../../src/kernel/index.ts";
import {
  accountReadiness,
  bookReversal,
  type PayoutProvider,
  ProviderUnavailable,
  payMonth,
} from "../../../src/payouts/index.ts";
import {
  approvePlan,
  closeMonth,
  planMonth,
  releaseReserves,
  setPayoutTerms,
  setReserveRule,
  storeFxRate,
} from "../../../src/settlement/index.ts";
import { Crashed, crashingAt } from "./crashing-sql.ts";
import { expectNobodyPaidTwice, expectOnlyExplained, expectOnlyPayableSent } from "./laws.ts";
import { letHoursPass, type Marketplace, monthBefore, monthIsClosed, PAYEES } from "./marketplace.ts";

/** fast-check's model holds nothing: what must be true is read from the books and from Stripe after every step. */
type Command = fc.AsyncCommand<object, Marketplace>;

function command(name: string, run: (market: Marketplace) => Promise<void>): Command {
  return { check: () => true, run: (_, market) => run(market), toString: () => name };
}

const payee = fc.constantFrom(...PAYEES);
const micros = fc.integer({ min: 1, max: 90_000_000 });

const earn = fc
  .tuple(payee, micros)
  .map(([who, gross]) =>
    command(`${who} earns ${gross}`, (market) => market.use(who, market.openMonth, gross)),
  );

const late = fc.tuple(payee, micros).map(([who, gross]) =>
  command(`late usage of ${who}, ${gross}`, async (market) => {
    const month = monthBefore(market);
    if (month !== undefined) await market.use(who, month, gross);
  }),
);

async function closeNext(market: Marketplace): Promise<void> {
  await closeMonth(market.sql, market.openMonth, { graceSeconds: 0, catchUp: async () => {} });
  monthIsClosed(market);
}

/** As a refund, a dispute, a correction do to a payable balance; or what comes back of one. */
const correction = fc
  .tuple(payee, fc.constantFrom("debit", "debit", "debit", "credit"), micros)
  .map(([who, kind, amount]) =>
    command(`${kind} of ${amount} for ${who}`, async (market) => {
      if (monthBefore(market) === undefined) return;
      const asked = {
        ...{ kind: kind as "debit", payee: who, currency: "USD" },
        amount: formatNanos(BigInt(amount) * 1_000n),
      };
      const reference = `correction-${++market.corrections}`;
      await correct(market.sql, { asked, reference, reason: "a refund", by: "ops" });
    }),
  );

/** Everybody is paid monthly, and a month is settled. */
export async function settleOnceMore(market: Marketplace): Promise<void> {
  for (const who of PAYEES)
    await setPayoutTerms(market.sql, who, { payoutCurrency: null, schedule: "monthly", holdDays: 0 }, who);
  await closeNext(market);
  await planLast(market);
  await approveLast(market);
  await payAll(market, market.provider);
}

async function planLast(market: Marketplace): Promise<void> {
  const { sql, provider } = market;
  const last = monthBefore(market);
  if (last === undefined) return;
  const readiness = (accounts: string[]) => accountReadiness(sql, provider, accounts);
  const planned = await passing(planMonth(sql, last, { by: "maker", twoPerson: true, readiness }));
  for (const { reason } of planned?.plan.carried ?? []) market.saw(`a balance was carried: ${reason}`);
  if ((planned?.plan.conversions.length ?? 0) > 0) market.saw("a balance was converted");
}

async function approveLast(market: Marketplace): Promise<void> {
  const last = monthBefore(market);
  if (last === undefined) return;
  const [row] = await market.sql<{ hash: string | null }[]>`
    SELECT plan_hash AS hash FROM settlement WHERE period = ${firstDay(last)}`;
  if (row?.hash) await passing(approvePlan(market.sql, last, row.hash, "checker", ["ten_times_last"]));
}

const close = fc.constant(command("close", closeNext));
const plan = fc.constant(command("plan", planLast));
const approve = fc.constant(command("approve", approveLast));
const pay = fc.constant(command("pay", (market) => payAll(market, market.hasty)));

/** Pays every month there is, dying where it was told to. */
export async function payAll(market: Marketplace, through: PayoutProvider): Promise<void> {
  const { failpoint } = market;
  market.failpoint = undefined;
  const payer = failpoint === undefined ? undefined : crashingAt(market.sql, failpoint);
  const sql = payer?.sql ?? market.sql;
  const provider = payer?.mortal(through) ?? through;
  for (const month of market.closed) {
    try {
      const report = await passing(payMonth(sql, provider, month));
      for (const [result, count] of Object.entries(report?.results ?? {}))
        if (count > 0) market.saw(`a payout was ${result}`);
    } catch (error) {
      if (!(error instanceof Crashed)) throw error;
      market.saw("a payer was killed");
      break;
    }
  }
  await expectNobodyPaidTwice(market);
  await expectOnlyPayableSent(market);
}

const crash = fc.tuple(fc.integer({ min: 1, max: 16 }), fc.boolean()).map(([step, before]) =>
  command(`crash ${before ? "before" : "after"} step ${step}`, async (market) => {
    market.failpoint = { step, before };
  }),
);

const FAULTS = [
  "error_500_before",
  "error_500_after",
  "drop_before",
  "drop_after",
  "hang_before",
  "hang_after",
  "rate_limit",
  "lock_timeout",
];
const fault = fc
  .record({
    fault: fc.constantFrom(...FAULTS),
    match: fc.record({
      method: fc.constantFrom("POST", "POST", "POST", "GET"),
      path: fc.constant("/v1/transfers"),
    }),
    times: fc.integer({ min: 1, max: 2 }),
    after: fc.integer({ min: 0, max: 2 }),
  })
  .map((lever) =>
    command(
      `fault ${JSON.stringify(lever)}`,
      async ({ control }) => void (await control("POST", "/faults", lever)),
    ),
  );

const funds = fc.constantFrom(0, 500, 4_000, 10 ** 9).map((available) =>
  command(`${available} cents at Stripe`, async ({ control }) => {
    await control("POST", "/balance", { currency: "usd", available });
  }),
);

const account = fc
  .tuple(
    payee,
    fc.constantFrom<object>(
      { transfers: "inactive" },
      { closed: true },
      { closed: false, transfers: "active" },
    ),
  )
  .map(([who, state]) =>
    command(`the account of ${who} is ${JSON.stringify(state)}`, async (market) => {
      await market.control("POST", `/accounts/${await accountOf(market, who)}`, state);
    }),
  );

const hours = fc
  .constantFrom(1, 19, 21, 25, 100)
  .map((count) => command(`${count} hours pass`, (market) => letHoursPass(market, count)));

const reverse = fc.tuple(fc.nat(), fc.boolean()).map(([which, whole]) =>
  command(`transfer ${which} is reversed${whole ? "" : " in part"}`, async ({ stripe, truth }) => {
    const left = [...truth.transfer.values()].filter(
      ({ amount, amount_reversed }) => amount > amount_reversed,
    );
    const transfer = left[which % Math.max(left.length, 1)];
    if (transfer === undefined) return;
    // A fault may strike this too: what came of it is read from Stripe.
    await stripe.transfers.createReversal(transfer.id, whole ? {} : { amount: 1 }).catch(() => {});
  }),
);

/** An operator books every reversal that reconcile shows. */
export async function bookAll(market: Marketplace): Promise<void> {
  const reports = await expectOnlyExplained(market);
  for (const { kind, payout, reference } of reports.flatMap(({ differences }) => differences)) {
    if (kind !== "reversed" || payout === null || reference === null) continue;
    market.saw("a reversal was booked");
    await bookReversal(market.sql, market.provider, { payout, reversal: reference, by: "operator" });
  }
}
const book = fc.constant(command("book the reversals", (market) => quietly(market, () => bookAll(market))));

const bank = fc.tuple(payee, fc.boolean()).map(([who, fails]) =>
  command(`the bank of ${who} ${fails ? "is paid, then refuses" : "is paid"}`, async (market) => {
    const { control, failedAtBank } = market;
    const body = { account: await accountOf(market, who) };
    const { payouts = [] } = (await control("POST", "/payouts", body)) as { payouts?: { id: string }[] };
    for (const { id } of payouts) {
      await control("POST", `/payouts/${id}`, { status: "paid" });
      if (fails) await control("POST", `/payouts/${id}`, { status: "failed" });
      if (fails) failedAtBank.add(id);
    }
  }),
);

const check = fc.constant(
  command("reconcile", (market) => quietly(market, async () => void (await expectOnlyExplained(market)))),
);

const terms = fc
  .tuple(
    payee,
    fc.constantFrom(null, "EUR"),
    fc.constantFrom("monthly", "monthly", "quarterly", "manual"),
    fc.constantFrom(0, 0, 3),
  )
  .map(([who, payoutCurrency, schedule, holdDays]) =>
    command(`${who} is paid ${schedule} in ${payoutCurrency}, after ${holdDays} days`, ({ sql }) =>
      setPayoutTerms(sql, who, { payoutCurrency, schedule: schedule as "monthly", holdDays }, who),
    ),
  );

const reserve = fc
  .tuple(fc.option(payee), fc.constantFrom(0, 333, 1_000, 10_000), fc.constantFrom(0, 2))
  .map(([who, basisPoints, days]) =>
    command(
      `${basisPoints} of ten thousand of ${who ?? "everybody"} are held back for ${days} days`,
      ({ sql, openMonth }) => setReserveRule(sql, { from: openMonth, payee: who, basisPoints, days }, "ops"),
    ),
  );

const release = fc.constant(
  command("what is due of the reserves is let go", async (market) => {
    if ((await releaseReserves(market.sql)) > 0) market.saw("a reserve was let go");
  }),
);

const rate = fc.bigInt({ min: 1n, max: 3_000_000n }).map((scaled) =>
  command(`a dollar gives ${scaled} millionths of a euro`, async ({ sql, openMonth }) => {
    const stored = {
      from: "USD",
      to: "EUR",
      rate: rational(scaled, 1_000_000n),
      source: "a bank",
      by: "ops",
    };
    await passing(storeFxRate(sql, { ...stored, effectiveFrom: `${firstDay(openMonth)}T00:00:00Z` }));
  }),
);

/** A month with something wrong at once: left to chance alone, faults and payouts seldom meet. */
const stormyMonth = fc
  .tuple(
    fc.array(fc.tuple(payee, micros), { minLength: 1, maxLength: 3 }),
    fc.array(fc.oneof(fault, crash, funds, account, correction, correction), { maxLength: 3 }),
    fc.array(fc.oneof(terms, reserve, rate), { maxLength: 2 }),
  )
  .map(([usage, troubles, rules]) =>
    command(
      `a month: ${usage.map((one) => one.join(" ")).join(", ")}; ${rules.join("; ")}; ${troubles.join("; ")}`,
      async (market) => {
        for (const rule of rules) await rule.run({}, market);
        for (const [who, gross] of usage) await market.use(who, market.openMonth, gross);
        await closeNext(market);
        await planLast(market);
        await approveLast(market);
        for (const trouble of troubles) await trouble.run({}, market);
        await payAll(market, market.hasty);
      },
    ),
  );

export const commands: fc.Arbitrary<Command>[] = [
  ...[earn, late, close, plan, approve, pay, crash, fault, funds, account, hours, book, check, correction],
  ...[terms, reserve, rate, release, release],
  ...[pay, hours, reverse, reverse, bank, bank, bank],
  ...Array.from({ length: 6 }, () => stormyMonth),
];

/** What an operator is told and may try again; all else is a bug. */
const PASSING = [
  "not_approved",
  "plan_changed",
  "plan_outdated",
  "period_not_closed",
  "version_exists",
  "period_closed",
];

async function passing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const passes = error instanceof Refusal && PASSING.includes(error.code);
    if (!passes && !(error instanceof ProviderUnavailable)) throw error;
    return undefined;
  }
}

/** Reconcile reads through a Stripe whose faults are used up for it: what it cannot read it does not judge. */
async function quietly({ control }: Marketplace, work: () => Promise<void>): Promise<void> {
  await control("DELETE", "/faults");
  await work();
}

async function accountOf({ sql }: Marketplace, who: string): Promise<string> {
  const [row] = await sql<
    [{ account: string }]
  >`SELECT stripe_account AS account FROM payee WHERE id = ${who}`;
  return row.account;
}
