import { pino } from "pino";
import { expect } from "vitest";
import { openPostgresUsageLog } from "../../src/adapters/postgres-log/postgres-usage-log.ts";
import { type CatalogStore, openCatalogStore } from "../../src/catalog/index.ts";
import { type Period, parsePeriod, present } from "../../src/kernel/index.ts";
import { consumeLog, meteringStatus } from "../../src/metering/index.ts";
import { type AccountReadiness, approvePlan, closeMonth, planMonth } from "../../src/settlement/index.ts";
import { acceptEvents } from "../../src/usage/index.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";

/** Charged to the customer; the payee earns 80 % of it under the default policy. */
export interface Usage {
  payee: string;
  time: string;
  /** In millionths of the currency's major unit. */
  grossMicros: number;
  customer?: string;
}

/** A marketplace on a database of its own, metering what it is given, up to closed and approved months. */
export interface MarketplaceBooks extends TestDatabase {
  catalog: CatalogStore;
  /** Resolves when the usage is metered. */
  use(usage: readonly Usage[]): Promise<void>;
  close(period: Period): Promise<void>;
  plan: typeof planMonth extends (sql: never, ...rest: infer Rest) => infer Result
    ? (...rest: Rest) => Result
    : never;
  /** Plans as "maker" and approves as "checker". */
  approve(
    period: Period,
    readiness: (accounts: string[]) => Promise<Map<string, AccountReadiness>>,
  ): Promise<void>;
}

export async function openMarketplaceBooks(): Promise<MarketplaceBooks> {
  const database = await createTestDatabase();
  const { sql } = database;
  const logger = pino({ level: "silent" });
  const log = await openPostgresUsageLog({ sql, log: logger, partitions: 1 });
  await consumeLog(log, sql, logger);
  let events = 0;

  const plan: MarketplaceBooks["plan"] = (period, options) => planMonth(sql, period, options);
  return {
    ...database,
    catalog: openCatalogStore(sql),
    async use(usage) {
      const { rejected } = await acceptEvents(
        log,
        usage.map((one) => eventOf(one, ++events)),
      );
      expect(rejected).toEqual([]);
      await expect.poll(async () => (await meteringStatus(sql, log)).lag, { timeout: 30_000 }).toBe(0);
      expect(await meteringStatus(sql, log)).toMatchObject({ applied: String(events), waiting: "0" });
    },
    close: (period) => closeMonth(sql, period, { graceSeconds: 3_600, catchUp: async () => {} }),
    plan,
    async approve(period, readiness) {
      const { hash } = await plan(period, { by: "maker", twoPerson: true, readiness });
      await approvePlan(sql, period, hash, "checker", ["ten_times_last"]);
    },
    async drop() {
      await log.close();
      await database.drop();
    },
  };
}

export interface PayeeToAdd {
  id: string;
  currency?: string;
  minimumPayout?: string;
  account?: string;
}

/** Payees, each with one model, priced at a millionth per token, and the customers "alice" and, by currency, "alice-EUR". */
export async function addPayees(catalog: CatalogStore, payees: readonly PayeeToAdd[]): Promise<void> {
  const currencies = new Set(payees.map(({ currency = "USD" }) => currency));
  await catalog.change({
    payees: payees.map(({ id, currency = "USD", minimumPayout, account }) => ({
      id,
      name: id,
      country: "US",
      default_currency: currency,
      ...(minimumPayout === undefined ? {} : { minimum_payout: minimumPayout }),
      ...(account === undefined ? {} : { stripe_account: account }),
    })),
    customers: [...currencies].map((currency) => ({ id: customerIn(currency), name: "Alice", currency })),
    models: payees.map(({ id }) => ({ id: `${id}/model`, payee: id })),
    prices: payees.map(({ id, currency = "USD" }) => ({
      model: `${id}/model`,
      currency,
      effective_from: "2020-01-01T00:00:00Z",
      charge_statuses: ["succeeded"],
      components: [{ meter: "output_tokens", amount: "1", per: "1000000" }],
    })),
  });
}

export function customerIn(currency: string): string {
  return currency === "USD" ? "alice" : `alice-${currency}`;
}

export function monthOf(text: string): Period {
  return present(parsePeriod(text), "a period");
}

function eventOf({ payee, time, grossMicros, customer }: Usage, number: number) {
  return {
    specversion: "1.0",
    source: "//predictor/test",
    id: `prediction-${number}`,
    type: "prediction.completed",
    time,
    subject: customer ?? "alice",
    data: {
      model: `${payee}/model`,
      status: "succeeded",
      metrics: { output_token_count: grossMicros },
    },
  };
}
