import Table from "cli-table3";
import { formatNanos, type Nanos, parseNanos, present } from "../../src/kernel/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import type { Statement } from "../../src/settlement/index.ts";
import type { EarningsRow, PayoutView } from "../../src/statements/index.ts";
import type { Api } from "./client.ts";

// No rules between rows: creators are set apart by their totals and an empty line.
const LOOK = {
  style: { head: [], border: [] },
  chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
};

function nanos(amount: string): Nanos {
  return present(parseNanos(amount), "an amount");
}

/**
 * Creator by creator, model by model: what was used, what it brought, what paid for the creator's own usage, what was paid, what
 * is carried on.
 */
export async function printCreators(api: Api, payees: string[], period: string): Promise<Nanos> {
  const table = new Table({
    head: [
      "creator",
      "model",
      "events",
      "gross",
      "royalties",
      "share",
      "earned",
      "netted",
      "paid",
      "carried",
    ],
    ...LOOK,
    colAligns: ["left", "left", "right", "right", "right", "right", "right", "right", "right", "right"],
  });
  let paidInAll = 0n;
  for (const payee of payees) {
    const earnings = await api.get<{ data: EarningsRow[] }>(
      `/payees/${payee}/earnings?from=${period}-01&to=2023-12-01&group_by=model`,
    );
    const statement = await api.get<Statement>(`/payees/${payee}/statements/${period}`);
    const payouts = await api.get<{ data: PayoutView[] }>(`/payees/${payee}/payouts`);
    const paid = payouts.data
      .filter(({ state }) => state === "paid")
      .reduce((sum, { amount }) => sum + nanos(amount.amount), 0n);
    paidInAll += paid;
    for (const [index, row] of byModel(earnings.data).entries())
      table.push([index === 0 ? payee : "", ...row]);
    const carried = nanos(statement.closing.amount) - paid;
    table.push([
      "",
      "  all models",
      "",
      "",
      "",
      "",
      statement.earned.amount,
      nanos(statement.netted.amount) === 0n ? "" : statement.netted.amount,
      formatNanos(paid),
      formatNanos(carried),
    ]);
  }
  console.log(table.toString());
  return paidInAll;
}

function byModel(rows: readonly EarningsRow[]): string[][] {
  const models = [...new Set(rows.map((row) => row.model ?? ""))];
  return models.map((model) => {
    const of = (reason: string) => rows.find((row) => row.model === model && row.reason === reason);
    const [share, royalty] = [of("share"), of("royalty")];
    const row = present(share ?? royalty, "a row of the model");
    const earned = nanos(share?.earned.amount ?? "0") + nanos(royalty?.earned.amount ?? "0");
    return [
      model,
      row.events,
      row.gross.amount,
      royalty?.earned.amount ?? "",
      share?.earned.amount ?? "",
      formatNanos(earned),
      "",
      "",
      "",
    ];
  });
}

/** The two sides of the books, exactly: what customers owe is what creators and the platform have. */
export async function printProof(sql: Sql, paidInAll: Nanos, transferredMinor: bigint): Promise<boolean> {
  const rows = await sql<{ kind: string; balance: string }[]>`
    SELECT a.kind, sum(b.balance_nanos)::text AS balance FROM account_balance b JOIN ledger_account a USING (account_no)
    WHERE b.currency = 'USD' GROUP BY a.kind`;
  const balances = new Map(rows.map(({ kind, balance }) => [kind, BigInt(balance)]));
  const of = (kind: string) => balances.get(kind) ?? 0n;
  const owed = of("customer:receivable");
  const sides: [string, Nanos][] = [
    ["paid to creators", -of("stripe:clearing")],
    ["carried on for creators", -(of("payee:payable") + of("payee:in_transit") + of("payee:accruing"))],
    ["platform fee", -of("platform:revenue")],
    ["compute recovered", -of("platform:cost_recovery")],
    ["rounding", -of("platform:rounding")],
  ];
  const table = new Table({ ...LOOK, colAligns: ["left", "right"] });
  table.push(
    ["customers owe", formatNanos(owed)],
    ...sides.map(([what, amount]) => [what, formatNanos(amount)]),
  );
  const difference = owed - sides.reduce((sum, [, amount]) => sum + amount, 0n) + of("platform:unbilled");
  const atStripe = transferredMinor * 10_000_000n;
  table.push(["difference", formatNanos(difference)], ["transfers at Stripe", formatNanos(atStripe)]);
  console.log(table.toString());
  const proved = difference === 0n && atStripe === paidInAll && of("platform:unbilled") === 0n;
  console.log(proved ? "Both sides agree, to the last nano of a dollar." : "THE SIDES DO NOT AGREE.");
  return proved;
}
