import type { Logger } from "pino";
import { openPostgresUsageLog } from "../adapters/postgres-log/postgres-usage-log.ts";
import { openStripePayoutProvider } from "../adapters/stripe/stripe-payout-provider.ts";
import { type CatalogStore, openCatalogStore } from "../catalog/index.ts";
import type { SettleOperations } from "../http/index.ts";
import { releaseParked } from "../metering/index.ts";
import { type PayoutProvider, provisionAccounts } from "../payouts/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { UsageLog } from "../usage/index.ts";
import type { Config } from "./config.ts";
import { openDatabase } from "./database.ts";
import { settleOperations } from "./settle.ts";
import { joinOrStartSimulator } from "./stripe-simulator.ts";

/** All parts of a running Tributary, built in the order of the flow. */
export interface Tributary {
  config: Config;
  logger: Logger;
  sql: Sql;
  log: UsageLog;
  catalog: CatalogStore;
  provider: PayoutProvider;
  /** Where the Stripe simulator answers; null when Stripe itself is used. */
  simulator: string | null;
  settle: SettleOperations;
  afterCatalogChange: () => Promise<void>;
  /** Releases everything, in reverse. */
  close(): Promise<void>;
}

/** Builds everything that the configuration asks for. What was opened is closed again when a later part fails. */
export async function wire(config: Config, logger: Logger, name: string): Promise<Tributary> {
  const opened: (() => Promise<void>)[] = [];
  const close = async () => {
    for (let release = opened.pop(); release !== undefined; release = opened.pop()) await release();
  };
  try {
    const { sql, close: closeDatabase } = await openDatabase(config, name);
    opened.push(closeDatabase);

    const log = await openLog(config, sql, logger);
    opened.push(() => log.close());

    const catalog = openCatalogStore(sql);
    const simulator = await openSimulator(config, logger, opened);
    const provider = openStripePayoutProvider({
      secretKey: config.STRIPE_SECRET_KEY ?? "sk_test_simulator",
      apiBase: simulator ?? config.STRIPE_API_BASE ?? null,
      timeoutMs: config.STRIPE_TIMEOUT_MS,
    });
    const simulated = simulator !== null;
    const settle = settleOperations({ sql, log, catalog, provider, logger, config, simulated });
    const afterCatalogChange = async () => {
      await releaseParked(sql);
      // The change stands whatever the simulator says; planning a settlement gives out what is missing.
      if (simulated)
        await provisionAccounts(sql, catalog, provider).catch((err) =>
          logger.warn({ err }, "no payout accounts yet"),
        );
    };
    return {
      config,
      logger,
      sql,
      log,
      catalog,
      provider,
      simulator,
      settle,
      afterCatalogChange,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openLog(config: Config, sql: Sql, logger: Logger): Promise<UsageLog> {
  const partitions = config.USAGE_PARTITIONS;
  if (config.KAFKA_BROKERS === undefined) return openPostgresUsageLog({ sql, partitions, log: logger });
  // Only where there is a broker: most installations never load kafkajs.
  const { openKafkaUsageLog } = await import("../adapters/kafka/kafka-usage-log.ts");
  return openKafkaUsageLog({ brokers: config.KAFKA_BROKERS, partitions, log: logger });
}

/** With a secret key it is Stripe, or whatever STRIPE_API_BASE names; without one, the simulator of this data folder. */
async function openSimulator(
  config: Config,
  logger: Logger,
  opened: (() => Promise<void>)[],
): Promise<string | null> {
  if (config.STRIPE_SECRET_KEY !== undefined) return null;
  if (config.STRIPE_API_BASE !== undefined) return config.STRIPE_API_BASE;
  const simulator = await joinOrStartSimulator(config.DATA_DIR, config.STRIPE_SIMULATOR_PORT, logger);
  opened.push(() => simulator.stop());
  return simulator.apiBase;
}
