import { parsePeriod, present } from "../../src/kernel/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { closeMonth, planMonth } from "../../src/settlement/index.ts";
import { BOOKED, loadMarketplace } from "./load/marketplace.ts";
import { settlementDifferences } from "./measure/books.ts";
import { usedBy, usedSince } from "./measure/processes.ts";
import { say } from "./say.ts";
import { type Opened, withOpened } from "./world/opened.ts";
import { openBenchDatabase } from "./world/servers.ts";
import { temporaryFolder } from "./world/temporary-folder.ts";

export interface SettlementSettings {
  /** One measurement each. */
  payees: readonly number[];
  seed: number;
}

export interface SettlementFigures {
  payees: number;
  models: number;
  windows: number;
  journalEntries: number;
  payouts: number;
  /** Of close, in the order in which they come, and plan. */
  steps: { step: string; seconds: number }[];
  seconds: number;
  cpuSeconds: { settling: number; postgres: number | null };
  /** What this process grew by at most while it settled. */
  memoryBytes: number;
  differences: string[];
}

const PERIOD = present(parsePeriod(BOOKED), "a month");
const SAMPLE_MS = 20;

/** A month with that many payees, closed and planned by the true code: all but sending the money. */
export async function measureSettlement(
  opened: Opened,
  { payees, seed }: SettlementSettings,
): Promise<SettlementFigures[]> {
  const figures: SettlementFigures[] = [];
  for (const count of payees) figures.push(await withOpened(opened, (own) => measureOne(own, count, seed)));
  return figures;
}

async function measureOne(opened: Opened, payees: number, seed: number): Promise<SettlementFigures> {
  const { sql, pid } = await openBenchDatabase(opened, await temporaryFolder(opened));
  say(`settlement: writing a month of ${payees} payees`);
  await loadMarketplace(sql, payees, seed);
  await sql`CHECKPOINT`;
  const used = await usedBy(pid);
  const own = process.cpuUsage();
  const memory = watchMemory();
  const { steps, seconds } = await settle(sql);
  const memoryBytes = memory.end();
  const { user, system } = process.cpuUsage(own);
  const postgres = usedSince(used, await usedBy(pid))?.cpuSeconds ?? null;
  const counts = await countsOf(sql);
  const cpuSeconds = { settling: (user + system) / 1e6, postgres };
  const differences = await settlementDifferences(sql, payees);
  return { payees, ...counts, steps, seconds, cpuSeconds, memoryBytes, differences };
}

async function settle(sql: Sql): Promise<Pick<SettlementFigures, "steps" | "seconds">> {
  const begun = performance.now();
  const marks: { step: string; at: number }[] = [];
  const onStep = (step: string) => {
    say(`settlement: ${step}`);
    marks.push({ step, at: performance.now() });
  };
  await closeMonth(sql, PERIOD, { graceSeconds: 3_600, catchUp: async () => {}, onStep });
  onStep("planning");
  const ready = { transfersEnabled: true, disabledReason: null };
  const readiness = async (accounts: string[]) => new Map(accounts.map((account) => [account, ready]));
  await planMonth(sql, PERIOD, { by: "bench", twoPerson: false, readiness });
  const ended = performance.now();
  const steps = marks.map(({ step, at }, index) => ({
    step,
    seconds: ((marks[index + 1]?.at ?? ended) - at) / 1000,
  }));
  return { steps, seconds: (ended - begun) / 1000 };
}

function watchMemory(): { end(): number } {
  const before = process.memoryUsage().rss;
  let most = before;
  const sample = () => {
    most = Math.max(most, process.memoryUsage().rss);
  };
  const timer = setInterval(sample, SAMPLE_MS);
  return {
    end() {
      clearInterval(timer);
      sample();
      return most - before;
    },
  };
}

async function countsOf(
  sql: Sql,
): Promise<Pick<SettlementFigures, "models" | "windows" | "journalEntries" | "payouts">> {
  const [row] = await sql<[{ models: number; windows: number; journalEntries: number; payouts: number }]>`
    SELECT (SELECT count(*)::int FROM model) AS models, (SELECT count(*)::int FROM term_window) AS windows,
      (SELECT count(*)::int FROM journal_entry) AS "journalEntries",
      (SELECT jsonb_array_length(plan->'payouts') FROM settlement) AS payouts`;
  return row;
}
