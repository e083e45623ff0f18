import type { Logger } from "pino";
import type { CatalogStore } from "../catalog/index.ts";
import { periodTotals } from "../earnings/index.ts";
import type { SettleOperations } from "../http/index.ts";
import { firstDay, Refusal } from "../kernel/index.ts";
import {
  accountReadiness,
  bookReversal,
  type PayoutProvider,
  type ProviderRecord,
  payMonth,
  provisionAccounts,
  reconcile,
} from "../payouts/index.ts";
import type { Sql } from "../postgres/index.ts";
import { approvePlan, closeMonth, findSettlement, planMonth } from "../settlement/index.ts";
import type { UsageLog } from "../usage/index.ts";
import { catchUp } from "./catch-up.ts";
import type { Config } from "./config.ts";

interface SettleParts {
  sql: Sql;
  log: UsageLog;
  catalog: CatalogStore;
  provider: PayoutProvider & ProviderRecord;
  logger: Logger;
  config: Config;
  /** Against the simulator, payees get their accounts by themselves. */
  simulated: boolean;
}

/** The monthly settlement as the API and `npm run settle` offer it. */
export function settleOperations(parts: SettleParts): SettleOperations {
  const { sql, log, catalog, provider, logger, config, simulated } = parts;
  return {
    async close(period, { dryRun, onStep, onProgress }) {
      if (dryRun) return { statements: 0, totals: await periodTotals(sql, period) };
      await closeMonth(sql, period, {
        graceSeconds: config.CLOSE_GRACE,
        catchUp: () =>
          catchUp(sql, log, logger, {
            waitSeconds: config.CLOSE_WAIT_SECONDS,
            horizonDays: config.IDENTITY_HORIZON_DAYS,
          }),
        ...(onStep === undefined ? {} : { onStep }),
        ...(onProgress === undefined ? {} : { onProgress }),
      });
      const [row] = await sql<[{ count: number }]>`
        SELECT count(*)::int AS count FROM statement WHERE period = ${firstDay(period)}`;
      return { statements: row.count, totals: await periodTotals(sql, period) };
    },

    async plan(period, { by, dryRun }) {
      if (simulated && !dryRun) await provisionAccounts(sql, catalog, provider);
      const readiness = (accounts: string[]) => accountReadiness(sql, provider, accounts);
      return planMonth(sql, period, {
        by,
        dryRun,
        twoPerson: config.TWO_PERSON_APPROVAL,
        readiness,
        ...(config.PAYOUT_TOTAL_LIMITS === undefined ? {} : { totalLimits: config.PAYOUT_TOTAL_LIMITS }),
      });
    },

    async approve(period, { by, hash, confirmed }) {
      const planHash = hash ?? (await findSettlement(sql, period))?.planHash;
      if (planHash === undefined || planHash === null) {
        throw new Refusal("plan_missing", `${period} has no plan yet: plan it first`);
      }
      await approvePlan(sql, period, planHash, by, confirmed);
      return { hash: planHash };
    },

    pay: (period, options) => payMonth(sql, provider, period, options),

    reconcile: (period, { by }) => reconcile(sql, provider, period, by),

    bookReversal: (asked) => bookReversal(sql, provider, asked),
  };
}
