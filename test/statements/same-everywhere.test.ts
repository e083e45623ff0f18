import fc from "fast-check";
import Papa from "papaparse";
import { expect, test } from "vitest";
import type { CatalogDocument } from "../../src/catalog/index.ts";
import { type Period, parsePeriod, present } from "../../src/kernel/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { closeMonth } from "../../src/settlement/index.ts";
import {
  earningsCsv,
  earningsOf,
  findStatements,
  statementDocuments,
  statementsCsv,
} from "../../src/statements/index.ts";
import { PAYEES } from "../properties/waterfalls.ts";
import { startTestMetering } from "../support/metering.ts";
import { usageEvent } from "../support/usage.ts";
import { documentOf, type Marketplace, marketplaces, modelId } from "./marketplaces.ts";

const NOVEMBER = present(parsePeriod("2023-11"), "a month");
const DECEMBER = present(parsePeriod("2023-12"), "a month");
const RANGES: [Period, string, string][] = [
  [NOVEMBER, "2023-11-01", "2023-12-01"],
  [DECEMBER, "2023-12-01", "2024-01-01"],
];

const nanos = (amount: string | undefined) => BigInt((amount ?? "x").replace(".", ""));
const sum = (amounts: bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);
const rowsOf = (csv: string) => Papa.parse<Record<string, string>>(csv.trimEnd(), { header: true }).data;

function eventsOf({ levels, events }: Marketplace) {
  return events.map(({ level: depth, customer, day, ...event }, n) =>
    usageEvent({
      id: `${n}`,
      model: modelId(depth % levels.length),
      customer,
      time: `${day}T12:00:00Z`,
      version: `v${n % 2}`,
      ...event,
    }),
  );
}

const GROUPINGS = [
  [],
  ["model", "week"],
  ["day", "version", "customer_country"],
  ["month", "model", "source"],
] as const;

/** What everybody earned, in every month and grouping: read from windows while a month is open, from what was booked after. */
async function figuresOf(sql: Sql): Promise<unknown[]> {
  const figures: unknown[] = [];
  for (const payee of PAYEES)
    for (const [, from, to] of [...RANGES, [NOVEMBER, "2023-11-10", "2023-12-01"] as const])
      for (const groupBy of GROUPINGS) {
        const { total, data } = await earningsOf(sql, payee, { from, to, currency: "USD", groupBy });
        figures.push([payee, from, groupBy, total, data]);
        const ofModel = await earningsOf(sql, payee, {
          from,
          to,
          currency: "USD",
          groupBy,
          model: modelId(0),
        });
        figures.push([ofModel.total, ofModel.data]);
      }
  return figures;
}

/** What the books say that a payee earned of a month's usage, by the model that paid it. */
async function bookedBySource(sql: Sql, payee: string, serviceMonth: string): Promise<[string, bigint][]> {
  const rows = await sql<{ paid_by: string; nanos: string }[]>`
    SELECT paid_by, amount_nanos::text AS nanos FROM accrual_part
    WHERE account = ${`payee:${payee}:accruing`} AND service_month = ${serviceMonth} AND currency = 'USD'`;
  return rows.map(({ paid_by, nanos: amount }) => [paid_by, BigInt(amount)]);
}

function sumsOf(amounts: [string, bigint][]): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const [name, amount] of amounts) sums.set(name, (sums.get(name) ?? 0n) + amount);
  return new Map([...sums].filter(([, amount]) => amount !== 0n).sort());
}

/** What a month's release booked for a payee. */
async function released(sql: Sql, payee: string, period: Period): Promise<bigint> {
  const [row] = await sql<[{ nanos: string }]>`
    SELECT coalesce(-sum(p.amount_nanos), 0)::text AS nanos
    FROM posting p JOIN journal_entry e USING (entry_no) JOIN ledger_account a USING (account_no)
    WHERE e.kind = 'release' AND e.period = ${`${period}-01`} AND a.path = ${`payee:${payee}:payable`}`;
  return BigInt(row.nanos);
}

test("CSV = API = statement = ledger, whatever the policies, lineages and prices, late usage too", async () => {
  await fc.assert(
    fc.asyncProperty(marketplaces, fc.nat(12), async (drawn, before) => {
      const metering = await startTestMetering(documentOf(drawn) as unknown as Partial<CatalogDocument>);
      const { sql } = metering;
      const close = (period: Period) => closeMonth(sql, period, { graceSeconds: 0, catchUp: async () => {} });
      try {
        const events = eventsOf(drawn);
        await metering.apply(0, events.slice(0, before));
        await close(NOVEMBER);
        // What is left of November is late, and booked in December.
        await metering.apply(0, events.slice(before));
        const figures = await figuresOf(sql);
        await close(DECEMBER);
        // Closing a month changes no figure.
        expect(await figuresOf(sql)).toEqual(figures);
        for (const payee of PAYEES) {
          const statements = (
            await Promise.all(RANGES.map(([period]) => findStatements(sql, payee, period, "USD")))
          ).flat();
          const lines = rowsOf(statementsCsv(await statementDocuments(sql, payee, statements)));
          for (const [period, from, to] of RANGES) {
            for (const groupBy of GROUPINGS) {
              const earned = await earningsOf(sql, payee, { from, to, currency: "USD", groupBy });
              const ofService = lines.filter(
                (line) => line.row === "earning" && line.service_month === period,
              );
              expect(nanos(earned.total.amount)).toBe(sum(ofService.map((line) => nanos(line.amount))));
              const table = rowsOf(earningsCsv(earned, groupBy));
              expect(sum(table.map((row) => nanos(row.earned)))).toBe(nanos(earned.total.amount));
              expect(table.map((row) => row.gross)).toEqual(earned.data.map((row) => row.gross.amount));
              for (const { gross, fees, royalties, shares } of earned.data)
                expect(nanos(gross.amount)).toBe(
                  sum([fees, royalties, shares].map(({ amount }) => nanos(amount))),
                );
              const ofModels = await Promise.all(
                drawn.levels.map((_, depth) => {
                  const model = modelId(depth);
                  return earningsOf(sql, payee, { from, to, currency: "USD", groupBy, model });
                }),
              );
              expect(sum(ofModels.map(({ total }) => nanos(total.amount)))).toBe(nanos(earned.total.amount));
            }
            const bySource = await earningsOf(sql, payee, { from, to, currency: "USD", groupBy: ["source"] });
            expect(
              sumsOf(bySource.data.map(({ source, earned }) => [source ?? "", nanos(earned.amount)])),
            ).toEqual(sumsOf(await bookedBySource(sql, payee, from)));
            const statement = statements.find((each) => each.period === period);
            expect(nanos(statement?.earned.amount)).toBe(await released(sql, payee, period));
          }
        }
      } finally {
        await metering.drop();
      }
    }),
    { numRuns: 8 },
  );
});
