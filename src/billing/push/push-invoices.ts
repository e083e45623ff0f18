import { firstDay, type Period, Refusal } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { InvoiceWithLines } from "../invoice.ts";
import { listToPush, withLines } from "../queries.ts";
import type { BillingProvider } from "./billing-provider.ts";
import { type PushResult, sendInvoice } from "./send-invoice.ts";

const AT_ONCE = 8;
const PAGE = 100;
/** Advisory lock of pushing: one run at a time. Two would still ask nobody twice; this keeps their reports apart. */
const PUSH_LOCK = 7114;

export interface PushReport {
  /** Invoices by what became of them in this run; `none` were pushed before. */
  results: Record<PushResult, number>;
  /** Why the run stopped before the end, if it did. */
  stopped: string | null;
  problems: { invoice: string; result: PushResult; detail: string }[];
}

/**
 * Pushes a period's invoices to the provider, or goes on with it: each that is not there yet is sent or looked up. Those
 * of nothing are not sent.
 * @throws Refusal invoices_not_made or invoices_running
 */
export async function pushInvoices(
  sql: Sql,
  provider: BillingProvider,
  period: Period,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<PushReport> {
  const made = await sql`SELECT FROM invoice_run WHERE period = ${firstDay(period)}`;
  if (made.length === 0)
    throw new Refusal("invoices_not_made", `the invoices of ${period} are not made yet: make them first`);
  const lock = await sql.reserve();
  try {
    const [row] = await lock<[{ mine: boolean }]>`SELECT pg_try_advisory_lock(${PUSH_LOCK}) AS mine`;
    if (!row.mine)
      throw new Refusal(
        "invoices_running",
        "another run is pushing invoices right now: wait for it to end, then run this again",
      );
    try {
      return await pushAll(sql, provider, period, onProgress);
    } finally {
      await lock`SELECT pg_advisory_unlock(${PUSH_LOCK})`;
    }
  } finally {
    lock.release();
  }
}

/** A page of invoices with their lines is in memory at a time, however many there are. */
async function pushAll(
  sql: Sql,
  provider: BillingProvider,
  period: Period,
  onProgress: (done: number, total: number) => void,
): Promise<PushReport> {
  const report: PushReport = {
    results: { pushed: 0, failed: 0, unknown: 0, stop: 0, none: 0 },
    stopped: null,
    problems: [],
  };
  const due = await listToPush(sql, period);
  let done = 0;
  for (let at = 0; at < due.length && report.stopped === null; at += PAGE) {
    const queue = await withLines(sql, due.slice(at, at + PAGE));
    await pushPage(sql, provider, queue, report, () => onProgress(++done, due.length));
  }
  return report;
}

async function pushPage(
  sql: Sql,
  provider: BillingProvider,
  queue: InvoiceWithLines[],
  report: PushReport,
  onDone: () => void,
): Promise<void> {
  let broken = false;
  const worker = async () => {
    while (report.stopped === null && !broken) {
      const invoice = queue.shift();
      if (invoice === undefined) return;
      const { result, detail } = await sendInvoice(sql, provider, invoice);
      report.results[result]++;
      if (result === "stop") report.stopped ??= detail ?? "the provider refused our key";
      if (result !== "pushed" && result !== "none")
        report.problems.push({ invoice: invoice.id, result, detail: detail ?? "" });
      onDone();
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
}
