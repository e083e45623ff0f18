import { availableParallelism, cpus, totalmem } from "node:os";
import { measureAuthorize } from "./bench/authorize.ts";
import { measureFreshness } from "./bench/freshness.ts";
import { measureIngest } from "./bench/ingest.ts";
import { measureInvoices } from "./bench/invoices.ts";
import { measureMetering } from "./bench/metering.ts";
import { type Benchmark, type BenchOptions, readOptions, USAGE, UsageWrong } from "./bench/options.ts";
import { measurePages } from "./bench/pages.ts";
import { measurePayloads } from "./bench/payloads.ts";
import { printAuthorize } from "./bench/report/authorize.ts";
import { printFreshness } from "./bench/report/freshness.ts";
import { printIngest } from "./bench/report/ingest.ts";
import { printInvoices } from "./bench/report/invoices.ts";
import { printMetering } from "./bench/report/metering.ts";
import { printPages } from "./bench/report/pages.ts";
import { printPayloads } from "./bench/report/payloads.ts";
import { printScale } from "./bench/report/scale.ts";
import { printSettlement } from "./bench/report/settlement.ts";
import { say } from "./bench/say.ts";
import { measureScale } from "./bench/scale.ts";
import { measureSettlement } from "./bench/settlement.ts";
import { Opened, withOpened } from "./bench/world/opened.ts";

interface Result {
  figures: unknown;
  /** Every event counted once, every request taken: slow is not wrong. */
  right: boolean;
}

/** Measures, and prints unless only the JSON is wanted. Small when it is one of all. */
type Run = (opened: Opened, options: BenchOptions, small: boolean) => Promise<Result>;

const RUNS: Record<Benchmark, Run> = {
  async metering(opened, options, small) {
    const { seed, floor, partitions = 4, workers = 1, events = small ? 400_000 : 2_000_000 } = options;
    const figures = [];
    for (let run = 0; run < options.repeat; run++) {
      const settings = { events, seed: seed + run, partitions, workers, floor };
      figures.push(await withOpened(opened, (own) => measureMetering(own, settings)));
    }
    if (!options.json) printMetering(figures);
    return { figures, right: figures.every(({ differences }) => differences.length === 0) };
  },

  async ingest(opened, { seed, partitions = 4, json }, small) {
    const figures = await measureIngest(opened, { seed, partitions, seconds: small ? 3 : 8 });
    if (!json) printIngest(figures);
    return { figures, right: figures.every(({ most, half }) => most.failed + half.failed === 0) };
  },

  async payloads(opened, { partitions = 4, seed, json, ...options }, small) {
    const { seconds = small ? 3 : 8 } = options;
    const figures = await withOpened(opened, (own) => measurePayloads(own, { seed, partitions, seconds }));
    if (!json) printPayloads(figures);
    return { figures, right: figures.every(({ most }) => most.failed === 0) };
  },

  async freshness(opened, { seed, partitions = 4, workers = 1, json, ...options }, small) {
    const { seconds = small ? 10 : 20 } = options;
    const markers = small ? 50 : 200;
    const figures = await withOpened(opened, (own) =>
      measureFreshness(own, { seed, partitions, workers, markers, seconds }),
    );
    if (!json) printFreshness(figures);
    return { figures, right: figures.loaded?.load.failed === 0 };
  },

  async scale(opened, { seed, partitions = 12, workers = 3, json, ...options }, small) {
    const { events = small ? 200_000 : 2_000_000 } = options;
    const figures = await measureScale(opened, { events, seed, partitions, workers });
    if (!json) printScale(figures);
    return { figures, right: figures.differences.length === 0 };
  },

  async settlement(opened, { seed, json, payees }, small) {
    const figures = await measureSettlement(opened, { seed, payees: payees ?? [small ? 1_000 : 10_000] });
    if (!json) printSettlement(figures);
    return { figures, right: figures.every(({ differences }) => differences.length === 0) };
  },

  async authorize(opened, { seed, json, partitions = 4, rate = 500, eventsRate = 0, ...options }, small) {
    const { seconds = small ? 5 : 20 } = options;
    const settings = { seed, partitions, requestsPerSecond: rate, eventsPerSecond: eventsRate, seconds };
    const figures = await measureAuthorize(opened, settings);
    if (!json) printAuthorize(figures);
    const wrong = ({ load, events, differences }: (typeof figures)[number]) =>
      load.failed + (events?.failed ?? 0) + differences;
    return { figures, right: figures.every((each) => wrong(each) === 0) };
  },

  async invoices(opened, { json, ...options }, small) {
    const { customers = small ? 300 : 3_000 } = options;
    const figures = await withOpened(opened, (own) => measureInvoices(own, customers));
    if (!json) printInvoices(figures);
    return { figures, right: figures.differences.length === 0 };
  },

  async pages(opened, { seed, partitions = 4, json, ...options }, small) {
    const { events = small ? 50_000 : 400_000 } = options;
    const often = small ? { looks: 2, calls: 10 } : { looks: 3, calls: 30 };
    const figures = await withOpened(opened, (own) =>
      measurePages(own, { events, seed, partitions, ...often }),
    );
    if (!json) printPages(figures);
    return { figures, right: true };
  },
};

async function runAll(opened: Opened, options: BenchOptions): Promise<void> {
  const machine = `${availableParallelism()} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  if (!options.json) console.log(`Measured on ${machine}, with everything on it; seed ${options.seed}.\n`);
  const all: Record<string, unknown> = {};
  for (const name of options.benchmarks) {
    const { figures, right } = await RUNS[name](opened, options, options.benchmarks.length > 1);
    all[name] = figures;
    if (!right) process.exitCode = 1;
  }
  if (options.json) console.log(JSON.stringify({ machine, seed: options.seed, ...all }, null, 2));
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const opened = new Opened();
  const interrupted = new Promise<NodeJS.Signals>((resolve) => {
    // Not once: npm hands a signal on that its whole group got already, and the second must not cut the closing short.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => resolve(signal));
  });
  try {
    const signal = await Promise.race([runAll(opened, options), interrupted]);
    if (signal !== undefined) {
      say(`${signal}: everything that was started ends`);
      process.exitCode = 130;
    }
  } finally {
    await opened.close();
  }
  // What was interrupted may still hold a timer or a socket.
  process.exit();
}

main().catch((error: unknown) => {
  const wrongUsage = error instanceof UsageWrong;
  console.error(wrongUsage ? `${error.message}\n\n${USAGE}` : error);
  process.exit(wrongUsage ? 64 : 1);
});
