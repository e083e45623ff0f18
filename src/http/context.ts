import type { Logger } from "pino";
import type { IdentityProvider } from "../access/index.ts";
import type { CatalogStore } from "../catalog/index.ts";
import type { PeriodTotals } from "../earnings/index.ts";
import type { Nanos, Period } from "../kernel/index.ts";
import type { PayoutProvider, PayReport, ReconcileReport } from "../payouts/index.ts";
import type { RestrictedReaders, Sql } from "../postgres/index.ts";
import type { PayloadStore } from "../predictions/index.ts";
import type { ProviderEventReader } from "../provider-events/index.ts";
import type { SettlementPlan } from "../settlement/index.ts";
import type { Party } from "../statements/index.ts";
import type { UsageLog } from "../usage/index.ts";
import type { LiveFeed } from "./live/live-feed.ts";

/** What the API is made of; wired in `processes/`. */
export interface AppContext {
  sql: Sql;
  /** Connections that see one payee's or customer's rows alone; null where the database has no role for them. */
  readers: RestrictedReaders | null;
  /** A connection of their own for questions whether a prediction may run: its plans and rows stay warm. */
  authorizing: Sql;
  catalog: CatalogStore;
  log: UsageLog;
  provider: PayoutProvider;
  /** Stripe's webhooks: how they are read, and the secrets that may have signed them. */
  events: { reader: ProviderEventReader; secrets(): readonly string[] };
  /** What came with predictions, encrypted. */
  payloads: PayloadStore;
  /** With which Replicate may have signed its webhooks. */
  replicateSecrets: readonly string[];
  settle: SettleOperations;
  /** Tells open pages what moves. */
  live: LiveFeed;
  logger: Logger;
  /** Events older than so many days are refused; undefined for never. */
  horizonDays: number | undefined;
  /** The operator's key from the configuration, if it was set there. */
  operatorKey: string | null;
  /** How many proxies stand before this service: each adds who asked it to X-Forwarded-For. */
  proxyHops: number;
  /** For each key; null for as many as it likes. */
  requestsPerMinute: number | null;
  /** By currency: a correction that moves more needs somebody else's approval; undefined for no limits. */
  correctionLimits: ReadonlyMap<string, Nanos> | undefined;
  /** Hosts that webhooks may go to though they are private or without TLS. */
  webhookHosts: ReadonlySet<string>;
  /** Where this service is reached, for links that come back to it. */
  publicUrl: string;
  /** Who issues statements: the marketplace, as the tax office knows it. */
  platform: Party;
  /** Who signs people in besides this service itself. */
  identity: IdentityProvider | null;
  /** Gives new payees an account, against the simulator; otherwise does nothing. */
  afterCatalogChange: () => Promise<void>;
}

/** The monthly settlement, step by step: the same operations behind the API and `npm run settle`. */
export interface SettleOperations {
  close(
    period: Period,
    options: {
      dryRun: boolean;
      onStep?: (step: string) => void;
      /** How far the step under way is. */
      onProgress?: (done: number, total: number) => void;
    },
  ): Promise<CloseResult>;
  plan(
    period: Period,
    options: { by: string; dryRun: boolean },
  ): Promise<{ plan: SettlementPlan; hash: string }>;
  /** Without a hash, the plan as it is now. */
  approve(
    period: Period,
    options: { by: string; hash?: string; confirmed?: readonly string[] },
  ): Promise<{ hash: string }>;
  pay(
    period: Period,
    options?: {
      onProgress?: (done: number, total: number) => void;
      /** False to leave alone what the provider refused before. */
      failedAgain?: boolean;
    },
  ): Promise<PayReport>;
  /** Compares with the provider, both ways, and stores what was found; corrects nothing. */
  reconcile(period: Period, options: { by: string }): Promise<ReconcileReport & { run: string }>;
  /** Books a reversal that happened at the provider, once. */
  bookReversal(asked: { payout: string; reversal: string; by: string }): Promise<{ amountNanos: Nanos }>;
}

export interface CloseResult {
  /** Statements written; none in a dry run. */
  statements: number;
  totals: PeriodTotals[];
}
