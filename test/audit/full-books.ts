import { pino } from "pino";
import { appendAudit } from "../../src/access/index.ts";
import { openPostgresUsageLog } from "../../src/adapters/postgres-log/postgres-usage-log.ts";
import { openStripeBillingProvider } from "../../src/adapters/stripe/stripe-billing-provider.ts";
import { openStripePayoutProvider } from "../../src/adapters/stripe/stripe-payout-provider.ts";
import { openStripeRefundMaker } from "../../src/adapters/stripe/stripe-refund-maker.ts";
import {
  approveCorrection,
  type CorrectionAsked,
  correct,
  loseDispute,
  openDispute,
  type RefundMaker,
  refund,
  returnRefund,
  sendDueRefunds,
  setRefundPolicy,
} from "../../src/adjustments/index.ts";
import {
  acceptRoyaltyTerms,
  answerProposal,
  changeUnderTerms,
  endRoyaltyTerms,
  offerRoyaltyTerms,
  proposeShares,
} from "../../src/agreements/index.ts";
import {
  authorize,
  expireCredits,
  grantCredit,
  makeInvoices,
  type NewCredit,
  pushInvoices,
  recordInvoicePaid,
  setReleaseRule,
  setSpendLimits,
  sweepSpend,
} from "../../src/billing/index.ts";
import { CatalogDocument, type CatalogStore, openCatalogStore } from "../../src/catalog/index.ts";
import { accrueOpenPeriods } from "../../src/earnings/index.ts";
import { present, rational } from "../../src/kernel/index.ts";
import { extendChain, sealPeriod } from "../../src/ledger/index.ts";
import {
  consumeLog,
  foldCustomerWindows,
  linkChainedEvents,
  mergeExtents,
  meteringStatus,
  releaseParked,
} from "../../src/metering/index.ts";
import {
  accountReadiness,
  bookReversal,
  payMonth,
  provisionAccounts,
  reconcile,
} from "../../src/payouts/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { sketchLatencies } from "../../src/predictions/index.ts";
import {
  approvePlan,
  closeMonth,
  planMonth,
  setNettingRule,
  setPayoutTerms,
  setReserveRule,
  storeFxRate,
} from "../../src/settlement/index.ts";
import { stripeClient } from "../stripe-simulator/stripe-client.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { startStripeSimulator, type TestSimulator } from "../support/stripe-simulator.ts";
import { until } from "../support/until.ts";
import { type EventFields, usageEvent } from "../support/usage.ts";

export const MONTH = monthOf("2023-09");
const BEFORE = monthOf("2023-08");

const component = (meter: string, amount: string, per = "1", max?: string) => ({
  meter,
  amount,
  per,
  ...(max === undefined ? {} : { max_per_event: max }),
});

/** A fine-tune that pays a royalty, a cost step, limits per event, a meter of the model's own, and a payee who uses its own model. */
const CATALOGUE = {
  payees: ["ada", "lin", "mia"].map((id) => ({ id, name: id, country: "US", default_currency: "USD" })),
  customers: [
    { id: "acme", name: "Acme", currency: "USD", country: "US" },
    { id: "mia-app", name: "Mia's app", currency: "USD", country: "DE", payee: "mia" },
    { id: "lin-app", name: "Lin's app", currency: "USD", country: "DE", payee: "lin" },
  ],
  models: [
    { id: "ada/base", payee: "ada" },
    { id: "lin/fine", payee: "lin", base_model: "ada/base" },
    { id: "mia/own", payee: "mia" },
  ],
  policies: [
    {
      model: "lin/fine",
      effective_from: "2020-01-01T00:00:00Z",
      steps: [
        { take: "cost", meter: "predict_seconds", amount: "0.01", per: "1", currency: "USD" },
        { take: "platform", percent: "20" },
        { take: "royalty", percent: "7" },
        {
          take: "shares",
          shares: [
            { payee: "lin", weight: 2 },
            { payee: "mia", weight: 1 },
          ],
        },
      ],
    },
  ],
  prices: [
    {
      model: "ada/base",
      currency: "USD",
      effective_from: "2020-01-01T00:00:00Z",
      charge_statuses: ["succeeded"],
      components: [
        component("input_tokens", "3.7", "1000"),
        component("frames", "0.013"),
        component("images", "0.5", "1", "2"),
      ],
    },
    {
      model: "lin/fine",
      currency: "USD",
      effective_from: "2020-01-01T00:00:00Z",
      components: [component("output_tokens", "1.3", "1000"), component("predict_seconds", "0.02")],
    },
    {
      model: "mia/own",
      currency: "USD",
      effective_from: "2020-01-01T00:00:00Z",
      components: [
        component("runs", "2.5", "1", "1"),
        component("input_tokens", "0.001", "1", "500"),
        component("output_tokens", "0.001", "1", "500"),
        component("predict_seconds", "0.01", "1", "3"),
      ],
    },
  ],
};

/** Two who use what others made, one of them netted with what it earns, and what its app called. */
const CHAINED: Partial<EventFields>[] = [
  { model: "lin/fine", metrics: { output_token_count: 90_000, predict_time: 2 } },
  { model: "ada/base", customer: "mia-app", metrics: { input_token_count: 5 }, parent: "before-0" },
  { model: "ada/base", customer: "lin-app", metrics: { input_token_count: 7 }, parent: "before-1" },
];

const USED: Partial<EventFields>[] = [
  {
    model: "ada/base",
    metrics: { input_token_count: 4_001, frames: 7, image_count: 5 },
    hardware: "gpu-l40s",
  },
  { model: "ada/base", metrics: { input_token_count: 13, frames: 2 }, version: "v2" },
  { model: "ada/base", metrics: { input_token_count: 99, frames: 3 }, status: "failed" },
  { model: "lin/fine", metrics: { output_token_count: 7_777, predict_time: 12.345678 } },
  {
    model: "lin/fine",
    metrics: { output_token_count: 31, predict_time: 0.5, input_token_count: 8 },
    source: "//predictor/us-1",
  },
  { model: "lin/fine", customer: "mia-app", metrics: { output_token_count: 5_000, predict_time: 1 } },
  { model: "lin/fine", metrics: { image_count: 1 } },
  { model: "mia/own", customer: "acme", metrics: { predict_time: 7, input_token_count: 800 } },
  { model: "mia/own", customer: "mia-app" },
];

/** What holds from just before the next month's usage. */
const CHANGES = {
  customers: [
    { id: "acme", name: "Acme", currency: "USD", country: "CA", effective_from: "2023-10-03T11:30:00Z" },
  ],
  prices: [
    {
      model: "lin/fine",
      currency: "USD",
      effective_from: "2023-10-03T11:30:00Z",
      components: [component("output_tokens", "1.4", "1000")],
    },
  ],
};

export interface FullMonth extends TestDatabase {
  /** What was known before: any difference there is is one that a test made. */
  sql: Sql;
}

/** A month with something in every table: metered, closed, sealed, paid, reversed and reconciled, and the next one begun. */
export async function openFullMonth(): Promise<FullMonth> {
  const [simulator, database] = await Promise.all([startStripeSimulator(), createTestDatabase()]);
  const { sql } = database;
  const logger = pino({ level: "silent" });
  const log = await openPostgresUsageLog({ sql, log: logger, partitions: 2 });
  const catalog = openCatalogStore(sql);
  const stripe = { secretKey: "sk_test_simulator", apiBase: simulator.url, timeoutMs: 10_000 };
  const provider = openStripePayoutProvider(stripe);
  try {
    await catalog.change(CATALOGUE as Parameters<typeof catalog.change>[0]);
    await agree(sql, catalog);
    await provisionAccounts(sql, catalog, provider);
    await consumeLog(log, sql, logger);
    const metered = () => until(async () => (await meteringStatus(sql, log)).lag === 0);
    const send = async (name: string, events: readonly Partial<EventFields>[], day = "2023-09-14") => {
      const values = events.map((fields, n) =>
        usageEvent({ id: `${name}-${n}`, time: `${day}T12:00:0${n}.000001Z`, ...fields }),
      );
      await log.append([{ key: name, value: Buffer.from(JSON.stringify(values)) }]);
      await metered();
    };

    await setNettingRule(sql, "lin-app", { from: BEFORE, nets: false }, "operator");
    await send("before", CHAINED, "2023-08-14");
    await linkChainedEvents(sql);
    await closeMonth(sql, BEFORE, { graceSeconds: 3_600, catchUp: async () => {} });
    await makeInvoices(sql, BEFORE, { by: "operator" });

    await send("first", USED);
    await send("again", [{ ...USED[0], id: "first-0", time: "2023-09-14T12:00:00.000001Z" }]);
    await send("conflict", [{ ...USED[3], id: "first-3", metrics: { output_token_count: 1 } }]);
    await log.append([{ key: "poison", value: Buffer.from("{ no JSON") }]);
    await send("waits", [
      { model: "mia/later", customer: "acme", hardware: "cpu" },
      { model: "mia/never", metrics: { frames: 4 } },
    ]);
    await catalog.change({
      models: [{ id: "mia/later", payee: "mia" }],
      prices: [{ ...present(CATALOGUE.prices[2], "a price"), model: "mia/later" }],
    } as Parameters<typeof catalog.change>[0]);
    await releaseParked(sql);

    await grantAndReserve(sql);
    await setRefundPolicy(sql, { from: MONTH, fee: "kept", provider_fee: "payees" }, "operator");
    await setReleaseRule(sql, { from: MONTH, rule: "on_payment", hold_days: 0 }, "operator");
    await setTerms(sql);
    await closeMonth(sql, MONTH, { graceSeconds: 3_600, catchUp: async () => {} });
    await makeInvoices(sql, MONTH, { by: "operator" });
    await pushInvoices(sql, openStripeBillingProvider(stripe), MONTH);
    await refundSome(sql);
    await refundAtStripe(sql, openStripeRefundMaker(stripe), "credit-note");
    await payAtStripe(sql, simulator);
    await payInvoices(sql);
    await refundAtStripe(sql, openStripeRefundMaker(stripe), "money");
    const readiness = (accounts: string[]) => accountReadiness(sql, provider, accounts);
    const { hash } = await planMonth(sql, MONTH, { by: "maker", twoPerson: true, readiness });
    await approvePlan(sql, MONTH, hash, "checker");
    await payMonth(sql, provider, MONTH);
    await reverseOne(sql, provider, simulator);
    await adjustMonth(sql);

    // What came until now is merged, what comes from here on is noted: both are looked at.
    await mergeExtents(sql);
    await send("late", USED.slice(0, 4));
    await catalog.change(CHANGES as Parameters<typeof catalog.change>[0]);
    await send("october", USED, "2023-10-03");
    await accrueOpenPeriods(sql);
    await foldCustomerWindows(sql);
    await sketchLatencies(sql);
    await sweepSpend(sql);
    await expireCredits(sql, new Date(Date.now() + 7_200_000));
    await sql`SELECT post_entry('goodwill', 'adjustment', 'USD', '2023-10-01', '{}', ARRAY['payee:ada:payable', 'platform:revenue'],
      ARRAY[-700, 700]::numeric[])`;
    await sql`SELECT reverse_entry('goodwill', 'it was somebody else')`;
    for (const target of ["/v1/payees/ada", "/v1/payees/lin", "/v1/payees/mia"])
      await noteChange(sql, target);
    await until(() => sealPeriod(sql, MONTH));
    await until(async () => {
      await extendChain(sql);
      const [row] = await sql<[{ left: number }]>`
        SELECT (SELECT count(*) FROM journal_entry) - (SELECT count(*) FROM chain_link) AS left`;
      return Number(row.left) === 0;
    });
  } finally {
    await log.close();
    await simulator.kill("SIGKILL");
  }
  return database;
}

/** Mia shares with Lin, some day; Lin accepts what Ada asks for a base, and its model is registered. */
async function agree(sql: Sql, catalog: CatalogStore): Promise<void> {
  const shares = [
    { payee: "lin", weight: 1 },
    { payee: "mia", weight: 3 },
  ];
  const effectiveFrom = "2099-01-01T00:00:00Z";
  const proposal = { model: "mia/own", proposedBy: "mia", effectiveFrom, shares, by: "mia" };
  const { id } = await proposeShares(sql, catalog, proposal);
  await answerProposal(sql, catalog, { id, payee: "lin", answer: "accepted", by: "lin" });
  const asked = { percent: "4", of: "gross", wording: "for every model made from it" } as const;
  const offer = { ...asked, model: "ada/base", offeredBy: "ada", effectiveFrom: undefined };
  const { id: terms } = await offerRoyaltyTerms(sql, catalog, offer);
  await acceptRoyaltyTerms(sql, catalog, { terms, model: "lin/finer", payee: "lin", as: "payee", by: "lin" });
  await endRoyaltyTerms(sql, { id: terms, offeredBy: "ada", by: "ada", at: "2199-01-01T00:00:00Z" });
  const models = [{ id: "lin/finer", payee: "lin", base_model: "ada/base" }];
  await changeUnderTerms(sql, catalog, CatalogDocument.parse({ models }), "operator");
}

/** Ada's reserve is due at once, everybody else's not yet; Mia is paid in another currency. */
async function setTerms(sql: Sql): Promise<void> {
  await setReserveRule(sql, { from: MONTH, payee: "ada", basisPoints: 1_000, days: 0 }, "operator");
  await setReserveRule(sql, { from: MONTH, payee: null, basisPoints: 250, days: 90 }, "operator");
  await setPayoutTerms(sql, "mia", { payoutCurrency: "EUR" }, "mia");
  const rate = { from: "USD", to: "EUR", rate: rational(9_137n, 10_000n), source: "a bank", by: "operator" };
  await storeFxRate(sql, { ...rate, effectiveFrom: "2023-09-30T23:59:59.500000Z" });
}

const WELCOME: NewCredit = {
  customer: "acme",
  currency: "USD",
  amountNanos: 1_500_000_000n,
  kind: "promotional",
  priority: 100,
  expiresAt: null,
  reason: "welcome",
  reference: null,
  by: "operator",
  requestKey: undefined,
};

/** Credits of both kinds, one of which expires after the invoices; a reservation that an event settled and one that is open. */
async function grantAndReserve(sql: Sql): Promise<void> {
  const grant = (fields: Partial<NewCredit>) => grantCredit(sql, { ...WELCOME, ...fields });
  await grant({});
  await grant({ kind: "paid", reference: "bank-credit", priority: 200, amountNanos: 2_500_000_000n });
  await grant({
    customer: "mia-app",
    amountNanos: 10_000_000_000_000n,
    expiresAt: new Date(Date.now() + 3_600_000),
  });
  await setSpendLimits(sql, "acme", {
    currency: "USD",
    period: "total",
    softNanos: 1n,
    hardNanos: 10n ** 15n,
    prepaid: false,
  });
  const ask = (id: string) =>
    authorize(sql, {
      customer: "acme",
      model: "ada/base",
      currency: undefined,
      estimate: { nanos: 5_000_000_000n },
      prediction: { source: "//predictor/eu-1", id },
      ttlSeconds: 86_400,
    });
  await ask("first-0");
  await ask("never");
  await sweepSpend(sql);
}

const ACME = "inv_2023-09_acme_USD";

/** While its shares are still held: one is taken back again. */
async function refundSome(sql: Sql): Promise<void> {
  const common = { reason: "it was wrong", by: "operator" };
  await refund(sql, { ...common, asked: { invoice: ACME, amount: "1.5" }, reference: "first" });
  const id = await refund(sql, {
    ...common,
    asked: { prediction: { id: "first-3", source: "//predictor/eu-1" } },
    reference: "second",
  });
  await returnRefund(sql, { id, reference: "third", reason: "it was right", by: "operator" });
}

/** Before its invoice is paid, a credit note; after it, money. */
async function refundAtStripe(sql: Sql, maker: RefundMaker, reference: string): Promise<void> {
  const asked = { invoice: ACME, amount: "0.3" };
  await refund(sql, { asked, reference, reason: "it was wrong", by: "operator", atProvider: true });
  await sendDueRefunds(sql, maker);
}

/** A dollar of it counts as paid there; the rest comes from a bank. */
async function payAtStripe(sql: Sql, simulator: TestSimulator): Promise<void> {
  const [row] = await sql<
    { id: string }[]
  >`SELECT provider_id AS id FROM invoice_push WHERE invoice_id = ${ACME}`;
  const { id } = present(row, "a pushed invoice");
  await stripeClient(simulator).invoices.pay(id);
  await recordInvoicePaid(sql, {
    invoice: ACME,
    amountNanos: 1_000_000_000n,
    reference: id,
    by: "stripe",
    paidAt: new Date(),
  });
}

async function noteChange(sql: Sql, target: string): Promise<void> {
  await appendAudit(sql, {
    principal: "operator",
    role: "operator",
    session: "ses_1",
    requestId: "request-1",
    route: "PUT /payees/{id}",
    target,
    status: 403,
    code: "role_not_allowed",
    before: { name: "Ada" },
    asked: { name: "Ada L." },
    after: { name: "Ada L." },
  });
}

async function payInvoices(sql: Sql): Promise<void> {
  const rows = await sql<
    { id: string; nanos: string }[]
  >`SELECT id, invoice_left(id)::text AS nanos FROM invoice ORDER BY id`;
  for (const { id, nanos } of rows.filter((row) => row.nanos !== "0"))
    await recordInvoicePaid(sql, {
      invoice: id,
      amountNanos: BigInt(nanos),
      reference: `bank-${id}`,
      by: "operator",
      paidAt: new Date(),
    });
}

/** A lost dispute, and a correction of each kind. */
async function adjustMonth(sql: Sql): Promise<void> {
  await openDispute(sql, {
    id: "dispute-1",
    invoice: ACME,
    amountNanos: 1_000_000_000n,
    reason: "fraudulent",
    by: "operator",
  });
  await loseDispute(sql, { id: "dispute-1", by: "operator", feeNanos: 15_000_000_000n });
  const limits = new Map([["USD", 1_000_000n]]);
  const common = { reason: "as agreed", by: "operator", limits };
  const month = { period: MONTH, currency: "USD" };
  const revoked = await grantCredit(sql, { ...WELCOME, reason: "by mistake" });
  for (const [reference, asked] of Object.entries<CorrectionAsked>({
    credit: { kind: "credit", payee: "ada", currency: "USD", amount: "3" },
    rerate: {
      kind: "rerate",
      model: "ada/base",
      ...month,
      components: [{ meter: "frames", amount: "0.014", per: "1" }],
    },
    revocation: { kind: "revocation", credit: revoked },
    "credit of a customer": { kind: "credit", customer: "acme", currency: "USD", amount: "5" },
    "bank-back": settled("repayment", "4", "bank-back"),
    "debit of a customer": { kind: "debit", customer: "acme", currency: "USD", amount: "7" },
    "bank-paid": settled("payment", "1", "bank-paid"),
    reattribution: { kind: "reattribution", model: "mia/own", ...month, from: "mia", to: "lin" },
  })) {
    const { id, state } = await correct(sql, { ...common, asked, reference });
    if (state === "needs_approval") await approveCorrection(sql, id, "checker");
  }
}

const settled = (kind: "repayment" | "payment", amount: string, reference: string): CorrectionAsked => ({
  ...{ kind, customer: "acme", currency: "USD", amount, reference },
  paid_at: "2023-10-05T10:00:00Z",
});

async function reverseOne(
  sql: Sql,
  provider: ReturnType<typeof openStripePayoutProvider>,
  simulator: Awaited<ReturnType<typeof startStripeSimulator>>,
): Promise<void> {
  const [paid] = await sql<{ id: string; transfer_id: string }[]>`
    SELECT id, transfer_id FROM payout WHERE state = 'paid' ORDER BY id`;
  const { id, transfer_id } = present(paid, "a payout that is paid");
  const reversal = await stripeClient(simulator).transfers.createReversal(transfer_id, { amount: 1 });
  await bookReversal(sql, provider, { payout: id, reversal: reversal.id, by: "operator" });
  await reconcile(sql, provider, MONTH, "operator");
}
