import { firstDay, type Period, Refusal } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { PayoutProvider } from "./payout-provider.ts";
import { type PayoutToSend, type SendResult, sendPayout } from "./send-payout.ts";

const AT_ONCE = 8;
/** Advisory lock of paying: one run at a time. Two would still pay nobody twice; this keeps their reports apart. */
const PAY_LOCK = 7003;

export interface PayReport {
  /** Payouts by what became of them in this run; `none` were done before. */
  results: Record<SendResult, number>;
  /** Why the run stopped before the end, if it did. */
  stopped: string | null;
  problems: { payout: string; payee: string; result: SendResult; detail: string }[];
}

interface PayOptions {
  onProgress?: (done: number, total: number) => void;
  /** False to leave alone what the provider refused for good or the next plan takes up, for runs that nobody asked for. */
  failedAgain?: boolean;
}

/**
 * Pays an approved settlement, or goes on with it: every payout that is not paid yet is sent or looked up. Where less is payable by
 * now than was approved, that is paid. What was refused is tried again, unless a later settlement is approved: its money is that one's.
 * @throws Refusal not_approved or settlement_running
 */
export async function payMonth(
  sql: Sql,
  provider: PayoutProvider,
  period: Period,
  { onProgress = () => {}, failedAgain = true }: PayOptions = {},
): Promise<PayReport> {
  const lock = await sql.reserve();
  try {
    const [row] = await lock<[{ mine: boolean }]>`SELECT pg_try_advisory_lock(${PAY_LOCK}) AS mine`;
    if (!row.mine)
      throw new Refusal(
        "settlement_running",
        "another run is paying right now: wait for it to end, then run this again",
      );
    try {
      return await payAll(sql, provider, await unpaid(sql, period, failedAgain), onProgress);
    } finally {
      await lock`SELECT pg_advisory_unlock(${PAY_LOCK})`;
    }
  } finally {
    lock.release();
  }
}

async function unpaid(sql: Sql, period: Period, failedAgain: boolean): Promise<PayoutToSend[]> {
  const [settlement] = await sql<
    { state: string }[]
  >`SELECT state FROM settlement WHERE period = ${firstDay(period)}`;
  if (settlement?.state !== "approved")
    throw new Refusal("not_approved", `the plan of ${period} is not approved: approve it first`);
  const rows = await sql<Omit<PayoutToSend, "period">[]>`
    SELECT id, payee, currency, account FROM payout
    WHERE period = ${firstDay(period)} AND state <> 'paid' AND (${failedAgain} OR state NOT IN ('failed', 'carried')) ORDER BY id`;
  return rows.map((row) => ({ ...row, period }));
}

async function payAll(
  sql: Sql,
  provider: PayoutProvider,
  payouts: PayoutToSend[],
  onProgress: (done: number, total: number) => void,
): Promise<PayReport> {
  const report: PayReport = {
    results: { paid: 0, failed: 0, carried: 0, unknown: 0, no_funds: 0, held: 0, stop: 0, none: 0 },
    stopped: null,
    problems: [],
  };
  const emptyCurrencies = new Set<string>();
  const queue = [...payouts];
  let broken = false;
  const worker = async () => {
    for (
      let payout = queue.shift();
      payout !== undefined && report.stopped === null && !broken;
      payout = queue.shift()
    ) {
      if (emptyCurrencies.has(payout.currency)) continue;
      const { result, detail } = await sendPayout(sql, provider, payout);
      report.results[result]++;
      if (result === "no_funds") emptyCurrencies.add(payout.currency);
      if (result === "stop") report.stopped ??= detail ?? "the provider refused our key";
      if (result !== "paid" && result !== "none") {
        report.problems.push({ payout: payout.id, payee: payout.payee, result, detail: detail ?? "" });
      }
      onProgress(payouts.length - queue.length, payouts.length);
    }
  };
  const ends = await Promise.allSettled(
    Array.from({ length: AT_ONCE }, () =>
      worker().catch((error: unknown) => {
        broken = true;
        throw error;
      }),
    ),
  );
  // Only now: as long as one of them is still sending, the run's lock must not be given up.
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  if (emptyCurrencies.size > 0) {
    report.stopped ??= `the platform's balance does not cover all payouts in ${[...emptyCurrencies].join(", ")}: top it up and pay again`;
  }
  return report;
}
