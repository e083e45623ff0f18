import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, inject, test } from "vitest";
import type { MeteringFigures } from "../../scripts/bench/metering.ts";
import type { SettlementFigures } from "../../scripts/bench/settlement.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

async function bench(args: string[]): Promise<{ code: number | null; out: string; errors: string }> {
  const child = spawn(process.execPath, ["scripts/bench.ts", ...args], {
    cwd: ROOT,
    env: { ...process.env, DATABASE_URL: inject("postgresUrl") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  return { code, out, errors };
}

test("the metering benchmark counts every event and prints its figures beside the floor's", async () => {
  const { code, out, errors } = await bench(["metering", "--events", "4000", "--seed", "7", "--json"]);
  expect(code, errors).toBe(0);
  const [run] = (JSON.parse(out) as { metering: MeteringFigures[] }).metering;
  expect(run?.differences).toEqual([]);
  expect(run?.events).toBe(4000);
  const figures = [
    run?.rates.eventsPerSecond,
    run?.rates.firstQuarter,
    run?.rates.lastQuarter,
    run?.walBytes,
    run?.eventTableBytes,
    run?.batches,
    run?.deferredSeconds,
    run?.sketching.events,
    run?.floor?.same.eventsPerSecond,
    run?.floor?.wide.eventsPerSecond,
  ];
  for (const figure of figures) expect(figure).toBeGreaterThan(0);
});

test("the settlement benchmark closes and plans a month whose every figure is what its windows say", async () => {
  const { code, out, errors } = await bench(["settlement", "--payees", "10,20", "--json"]);
  expect(code, errors).toBe(0);
  const runs = (JSON.parse(out) as { settlement: SettlementFigures[] }).settlement;
  expect(runs.map(({ payees, models, windows, payouts }) => [payees, models, windows, payouts])).toEqual([
    [10, 50, 2_000, 10],
    [20, 100, 4_000, 20],
  ]);
  for (const { differences } of runs) expect(differences).toEqual([]);
});

test("a benchmark that does not exist is refused with the usage", async () => {
  const { code, errors } = await bench(["speed"]);
  expect(code).toBe(64);
  expect(errors).toMatch(/there is no benchmark speed\n\nnpm run bench/);
});
