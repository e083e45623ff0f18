import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import type Stripe from "stripe";
import { openStripePayoutProvider } from "../../../src/adapters/stripe/stripe-payout-provider.ts";
import { openCatalogStore } from "../../../src/catalog/index.ts";
import { firstDay, nextPeriod, type Period, rational } from "../../../src/kernel/index.ts";
import { consumeLog } from "../../../src/metering/index.ts";
import { type PayoutProvider, type ProviderRecord, provisionAccounts } from "../../../src/payouts/index.ts";
import type { Sql } from "../../../src/postgres/index.ts";
import { storeFxRate } from "../../../src/settlement/index.ts";
import { acceptEvents } from "../../../src/usage/index.ts";
import { createSimulator } from "../../../stripe-simulator/server.ts";
import { State } from "../../../stripe-simulator/state.ts";
import { stripeClient } from "../../stripe-simulator/stripe-client.ts";
import { addPayees, monthOf } from "../../support/marketplace-books.ts";
import type { Failpoint } from "./crashing-sql.ts";
import { handFedLog } from "./hand-fed-log.ts";

export const PAYEES = ["ada", "lin", "kim"];
/** In dollars, kim's own currency; the others have none. */
export const KIMS_MINIMUM = "5";
/** The payer in the storm gives up soon, so that a hang costs little; everybody else waits, however slow the machine is. */
const HASTY_MS = 300;
const PATIENT_MS = 60_000;

/** A marketplace and its Stripe for one history, with what was done to them behind the product's back. */
export interface Marketplace {
  sql: Sql;
  stripe: Stripe;
  /** What Stripe itself knows, past all faults. */
  truth: State["objects"];
  provider: PayoutProvider & ProviderRecord;
  hasty: PayoutProvider;
  /** Notes what a history met: one that meets nothing proves nothing. */
  saw(what: string): void;
  /** The first month that is not closed. */
  openMonth: Period;
  /** Closed months, oldest first. */
  closed: Period[];
  /** How many there were. */
  corrections: number;
  /** Where the next pay run dies. */
  failpoint: Failpoint | undefined;
  /** Bank payouts that failed last on their account. */
  failedAtBank: Set<string>;
  control(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  use(payee: string, month: Period, micros: number): Promise<void>;
  end(): Promise<void>;
}

/** @param sql of books as they are after the migrations */
export async function openMarketplace(sql: Sql, saw: Marketplace["saw"]): Promise<Marketplace> {
  const state = new State(undefined);
  const server = createSimulator(state);
  const port = await listening(server);
  const url = `http://127.0.0.1:${port}`;
  const openProvider = (timeoutMs: number) =>
    openStripePayoutProvider({ secretKey: "sk_test_simulator", apiBase: url, timeoutMs });
  const provider = openProvider(PATIENT_MS);
  const use = await openUsage(sql);
  const catalog = openCatalogStore(sql);
  await addPayees(
    catalog,
    PAYEES.map((id) => ({ id, ...(id === "kim" ? { minimumPayout: KIMS_MINIMUM } : {}) })),
  );
  await provisionAccounts(sql, catalog, provider);
  const rate = { from: "USD", to: "EUR", rate: rational(9_137n, 10_000n), source: "a bank", by: "ops" };
  await storeFxRate(sql, { ...rate, effectiveFrom: "2022-12-31T00:00:00Z" });
  return {
    sql,
    stripe: stripeClient({ port }),
    truth: state.objects,
    saw,
    provider,
    hasty: openProvider(HASTY_MS),
    openMonth: monthOf("2023-01"),
    closed: [],
    corrections: 0,
    failpoint: undefined,
    failedAtBank: new Set(),
    use,
    async control(method, path, body) {
      const response = await fetch(`${url}/_simulator${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (await response.json()) as Record<string, unknown>;
    },
    async end() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function monthBefore(market: Marketplace): Period | undefined {
  return market.closed.at(-1);
}

export function monthIsClosed(market: Marketplace): void {
  market.closed.push(market.openMonth);
  market.openMonth = nextPeriod(market.openMonth);
}

/** Hours go by, in our books and at Stripe. */
export async function letHoursPass({ sql, control }: Marketplace, hours: number): Promise<void> {
  await control("POST", "/clock", { advance_seconds: hours * 3600 });
  // Past the triggers that keep these times as they are.
  await sql.begin(async (own) => {
    await own`SET LOCAL session_replication_role = replica`;
    await own`UPDATE reserve SET due_at = due_at - make_interval(hours => ${hours}),
              released_at = released_at - make_interval(hours => ${hours})`;
    await own`UPDATE settlement SET cut_at = cut_at - make_interval(hours => ${hours}), closed_at = closed_at - make_interval(hours => ${hours})`;
  });
  await sql`UPDATE payout_attempt SET started_at = started_at - make_interval(hours => ${hours}),
            missing_since = missing_since - make_interval(hours => ${hours})`;
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function openUsage(sql: Sql): Promise<Marketplace["use"]> {
  const log = handFedLog();
  await consumeLog(log, sql, pino({ level: "silent" }));
  let events = 0;
  return async (payee, month, micros) => {
    const event = {
      specversion: "1.0",
      source: "//predictor/test",
      id: `prediction-${++events}`,
      type: "prediction.completed",
      time: `${firstDay(month)}T12:00:00Z`,
      subject: "alice",
      data: { model: `${payee}/model`, status: "succeeded", metrics: { output_token_count: micros } },
    };
    const { rejected } = await acceptEvents(log, [event]);
    if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
  };
}
