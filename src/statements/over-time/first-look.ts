import { nextPeriod, periodOfDay } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { balancesOf } from "../balances/balances.ts";
import { earningsOf } from "../earnings.ts";
import { earningsChanges } from "./changes.ts";
import { earningsSeries } from "./series.ts";

/** Reads what a payee's first page shows, so that it is kept when the page asks: its balances, its months and the last of them. */
export async function firstLook(sql: Sql, payee: string, currency: string): Promise<void> {
  const [{ data }] = await Promise.all([
    earningsOf(sql, payee, { currency, groupBy: ["month"] }),
    balancesOf(sql, payee),
  ]);
  const months = data.map((row) => row.month ?? "").sort();
  const last = periodOfDay(`${months.at(-1) ?? new Date().toISOString().slice(0, 7)}-01`);
  const month = { from: `${last}-01`, to: `${nextPeriod(last)}-01`, currency };
  await earningsSeries(sql, payee, { ...month, step: "day" });
  await earningsChanges(sql, payee, month);
  await earningsOf(sql, payee, { ...month, groupBy: [] });
}
