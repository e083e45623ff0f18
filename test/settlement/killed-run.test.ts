import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import Stripe from "stripe";
import { expect, onTestFinished, test } from "vitest";
import { openStripePayoutProvider } from "../../src/adapters/stripe/stripe-payout-provider.ts";
import { runChecks } from "../../src/audit/index.ts";
import { rational } from "../../src/kernel/index.ts";
import { provisionAccounts, reconcile } from "../../src/payouts/index.ts";
import { setPayoutTerms, setReserveRule, storeFxRate } from "../../src/settlement/index.ts";
import { expectLedgerToHold } from "../support/ledger-laws.ts";
import { addPayees, customerIn, monthOf, openMarketplaceBooks } from "../support/marketplace-books.ts";
import { startStripeSimulator } from "../support/stripe-simulator.ts";

const SETTLE = new URL("../../scripts/settle.ts", import.meta.url).pathname;
const MONTH = monthOf("2023-09");
const PAYEES = 120;
/** More than enough runs after the last kill. */
const RUNS_MAX = 20;
const SETTLEMENT_RUNNING = 3;
const EUROS_PER_MILLION_DOLLARS = 913_700n;
const CENT = 10_000_000n;

/** What a run says as it comes to the points where it is killed, each a moment later. */
const DEADLY = [
  /cutting the period|accruing what is left/,
  /releasing earnings|writing statements/,
  /sealing|Plan of|payouts/,
  /Approved/,
  /Approved/,
  /Approved/,
];

interface Creator {
  id: string;
  currency: "USD" | "EUR";
  paidIn: "USD" | "EUR";
  grossMicros: number;
  basisPoints: number;
}

const creators = Array.from({ length: PAYEES }, (_, index): Creator => {
  const currency = index % 3 === 0 ? "EUR" : "USD";
  return {
    id: `payee${index}`,
    currency,
    paidIn: index % 4 === 1 ? "EUR" : currency,
    grossMicros: 1_000_003 + Math.floor(Math.random() * 50_000_000),
    basisPoints: index % 5 === 0 ? 333 : 1_000,
  };
});

/** In minor units, from nothing but what was used and the rules. */
function expectedOf({ id, currency, paidIn, grossMicros, basisPoints }: Creator) {
  const earned = BigInt(grossMicros) * 800n;
  const payable = earned - (earned * BigInt(basisPoints)) / 10_000n;
  const due = currency === paidIn ? payable : (payable * EUROS_PER_MILLION_DOLLARS) / 1_000_000n;
  return [`po_${MONTH}_${id}_${paidIn}`, paidIn.toLowerCase(), Number(due / CENT)];
}

test(`a month of ${PAYEES} payees with reserves and conversions, its run killed with kill -9 at up to six points, pays what an oracle says`, async () => {
  const [simulator, books] = await Promise.all([startStripeSimulator(), openMarketplaceBooks()]);
  onTestFinished(async () => {
    await Promise.all([simulator.kill("SIGKILL"), books.drop()]);
  });
  const { sql, catalog } = books;
  const secretKey = "sk_test_simulator";
  const provider = openStripePayoutProvider({ secretKey, apiBase: simulator.url, timeoutMs: 10_000 });
  await addPayees(catalog, creators);
  await provisionAccounts(sql, catalog, provider);
  await setReserveRule(sql, { from: MONTH, payee: null, basisPoints: 1_000, days: 90 }, "ops");
  const rate = rational(EUROS_PER_MILLION_DOLLARS, 1_000_000n);
  const effectiveFrom = `${MONTH}-01T00:00:00Z`;
  await storeFxRate(sql, { from: "USD", to: "EUR", rate, effectiveFrom, source: "a bank", by: "ops" });
  for (const { id, currency, paidIn, basisPoints } of creators) {
    if (basisPoints !== 1_000)
      await setReserveRule(sql, { from: MONTH, payee: id, basisPoints, days: 30 }, "ops");
    if (paidIn !== currency) await setPayoutTerms(sql, id, { payoutCurrency: paidIn }, id);
  }
  await books.use(
    creators.map(({ id, currency, grossMicros }) => ({
      payee: id,
      customer: customerIn(currency),
      time: `${MONTH}-15T12:00:00Z`,
      grossMicros,
    })),
  );

  let kills = 0;
  let code: number | null = null;
  for (let run = 0; run < RUNS_MAX && code !== 0; run++) {
    const child = spawn(process.execPath, [SETTLE, "run", "--period", MONTH], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        DATABASE_URL: books.url,
        STRIPE_API_BASE: simulator.url,
        CLOSE_GRACE: "0",
        USAGE_PARTITIONS: "1",
        KAFKA_BROKERS: "",
      },
    });
    let said = "";
    child.stderr.on("data", (text) => {
      said += text;
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    killAt(child, DEADLY[kills]);
    [code] = (await once(child, "exit")) as [number | null];
    if (child.signalCode === "SIGKILL") kills++;
    else expect([0, 2, SETTLEMENT_RUNNING], said).toContain(code);
    await expectLedgerToHold(sql);
  }
  expect(code).toBe(0);
  expect(kills, "some of the points may be passed by a run that was quick").toBeGreaterThanOrEqual(3);

  const stripe = new Stripe(secretKey, { host: "127.0.0.1", port: simulator.port, protocol: "http" });
  const transfers = await stripe.transfers.list({ limit: 100 }).autoPagingToArray({ limit: 10_000 });
  const paid = transfers.map((made) => [`${made.transfer_group}`, made.currency, made.amount]);
  expect(paid.sort(byFirst)).toEqual(creators.map(expectedOf).sort(byFirst));
  expect((await reconcile(sql, provider, MONTH, "test")).differences).toEqual([]);
  expect((await runChecks(sql)).flatMap(({ differences }) => differences)).toEqual([]);
});

function killAt(child: ChildProcess, point: RegExp | undefined): void {
  const listen = async (text: Buffer) => {
    if (point === undefined || !point.test(`${text}`)) return;
    await pause(Math.random() * (point.source === "Approved" ? 400 : 40));
    child.kill("SIGKILL");
  };
  child.stdout?.on("data", listen);
  child.stderr?.on("data", listen);
}

function byFirst([a = ""]: (string | number)[], [b = ""]: (string | number)[]): number {
  return a < b ? -1 : 1;
}
