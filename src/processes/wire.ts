import { join } from "node:path";
import type { Logger } from "pino";
import { openFolderMailer } from "../adapters/mail/folder-mailer.ts";
import { openSmtpMailer } from "../adapters/mail/smtp-mailer.ts";
import { openPostgresUsageLog } from "../adapters/postgres-log/postgres-usage-log.ts";
import { openStripeBillingProvider } from "../adapters/stripe/stripe-billing-provider.ts";
import { openStripePayoutProvider } from "../adapters/stripe/stripe-payout-provider.ts";
import { openStripeRefundMaker } from "../adapters/stripe/stripe-refund-maker.ts";
import type { RefundMaker } from "../adjustments/index.ts";
import type { BillingProvider } from "../billing/index.ts";
import { type CatalogStore, openCatalogStore } from "../catalog/index.ts";
import type { SettleOperations } from "../http/index.ts";
import { releaseParked } from "../metering/index.ts";
import type { Mailer } from "../notifications/index.ts";
import { type PayoutProvider, type ProviderRecord, provisionAccounts } from "../payouts/index.ts";
import { openSql, RestrictedReaders, type Sql } from "../postgres/index.ts";
import { DataKeys } from "../predictions/index.ts";
import type { UsageLog } from "../usage/index.ts";
import type { Config } from "./config.ts";
import { openDatabase } from "./database.ts";
import { readMasterKeys } from "./master-key.ts";
import { settleOperations } from "./settle.ts";
import { joinOrStartSimulator } from "./stripe-simulator.ts";
import { ROW_SECURITY_OFF } from "./watching/judge-health.ts";
import { openWatchReader } from "./watching/reading.ts";
import { type ProcessWatching, watchProcess } from "./watching/watch-process.ts";

/** What a process that only meters and accrues is made of. */
export interface Foundation {
  config: Config;
  logger: Logger;
  sql: Sql;
  /** Of the database. */
  url: string;
  log: UsageLog;
  mailer: Mailer;
  watching: ProcessWatching;
  /** Opens and makes the keys that payloads are encrypted with. */
  dataKeys: DataKeys;
  /** Releases everything, in reverse. */
  close(): Promise<void>;
}

/** All parts of a running Tributary, built in the order of the flow. */
export interface Tributary extends Foundation {
  catalog: CatalogStore;
  readers: RestrictedReaders | null;
  /** One connection for questions whether predictions may run. */
  authorizing: Sql;
  provider: PayoutProvider & ProviderRecord;
  billing: BillingProvider;
  refunds: RefundMaker;
  /** Where the Stripe simulator answers; null when Stripe itself is used. */
  simulator: string | null;
  settle: SettleOperations;
  afterCatalogChange: () => Promise<void>;
}

/** Releases of what was opened, in the order of the opening. */
type Opened = (() => Promise<void>)[];

/** Builds everything that the configuration asks for. What was opened is closed again when a later part fails. */
export function wire(config: Config, logger: Logger, name: string): Promise<Tributary> {
  return opening(async (opened, close) => {
    const foundation = await openFoundation(config, logger, name, opened);
    const { sql, log, url } = foundation;
    const catalog = openCatalogStore(sql);
    const readers = await openReaders(url, opened);
    foundation.watching.noteRowSecurity(readers !== null);
    if (readers === null) logger.warn(ROW_SECURITY_OFF);
    // The pool takes its connections in turn: each server process would meet the question's plans and rows cold.
    const authorizing = openSql(url, { max: 1, name: `${name}-authorize` });
    opened.push(() => authorizing.end({ timeout: 5 }));
    const simulator = await openSimulator(config, logger, opened);
    const stripe = {
      secretKey: config.STRIPE_SECRET_KEY ?? "sk_test_simulator",
      apiBase: simulator ?? config.STRIPE_API_BASE ?? null,
      timeoutMs: config.STRIPE_TIMEOUT_MS,
    };
    const provider = openStripePayoutProvider(stripe);
    const billing = openStripeBillingProvider(stripe);
    const refunds = openStripeRefundMaker(stripe);
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
      ...foundation,
      catalog,
      readers,
      authorizing,
      provider,
      billing,
      refunds,
      simulator,
      settle,
      afterCatalogChange,
      close,
    };
  });
}

/** Builds what metering and accrual need, and nothing else: no catalogue, no payouts, no simulator. */
export function wireWorker(config: Config, logger: Logger, name: string): Promise<Foundation> {
  return opening(async (opened, close) => ({
    ...(await openFoundation(config, logger, name, opened)),
    close,
  }));
}

async function openFoundation(config: Config, logger: Logger, name: string, opened: Opened) {
  const { sql, url, close: closeDatabase } = await openDatabase(config, name);
  opened.push(closeDatabase);

  const log = await openLog(config, sql, logger);
  opened.push(() => log.close());

  const mailer = openMailer(config);
  opened.push(async () => mailer.close());

  const ownLog = (own: Sql) =>
    config.KAFKA_BROKERS === undefined ? openLog(config, own, logger) : Promise.resolve(log);
  const reader = openWatchReader(url, ownLog);
  const watching = watchProcess({ sql, reader, logger, progressLimitSeconds: config.PROGRESS_LIMIT_SECONDS });
  opened.push(() => watching.close());
  const dataKeys = new DataKeys(sql, await readMasterKeys(config));
  return { config, logger, sql, url, log, mailer, watching, dataKeys };
}

async function opening<T>(build: (opened: Opened, close: () => Promise<void>) => Promise<T>): Promise<T> {
  const opened: Opened = [];
  const close = async () => {
    for (let release = opened.pop(); release !== undefined; release = opened.pop()) await release();
  };
  try {
    return await build(opened, close);
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

async function openReaders(url: string, opened: Opened): Promise<RestrictedReaders | null> {
  const readers = new RestrictedReaders(url);
  opened.push(() => readers.close());
  return (await readers.work()) ? readers : null;
}

function openMailer({ SMTP_URL, MAIL_FROM, DATA_DIR }: Config): Mailer {
  if (SMTP_URL !== undefined) return openSmtpMailer(SMTP_URL, MAIL_FROM);
  return openFolderMailer(join(DATA_DIR, "mail"), MAIL_FROM);
}

/** With a secret key it is Stripe, or whatever STRIPE_API_BASE names; without one, the simulator of this data folder. */
async function openSimulator(config: Config, logger: Logger, opened: Opened): Promise<string | null> {
  if (config.STRIPE_SECRET_KEY !== undefined) return null;
  if (config.STRIPE_API_BASE !== undefined) return config.STRIPE_API_BASE;
  const simulator = await joinOrStartSimulator(config.DATA_DIR, config.STRIPE_SIMULATOR_PORT, logger);
  opened.push(() => simulator.stop());
  return simulator.apiBase;
}
