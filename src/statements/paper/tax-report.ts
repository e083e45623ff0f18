import { csv, type Money, money, type Nanos } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { nameAt } from "./statement-document.ts";

/**
 * A payee's calendar year in one currency, with what Form 1099-K and DAC7 ask for. Consideration is what was credited to the
 * payee, month of the books by month: earned and adjusted, as its statements say. It supplies the platform
 * (self-billing), so no fee is charged to it and none is deducted.
 */
export interface TaxReport {
  year: string;
  payee: string;
  currency: string;
  seller: {
    name: string;
    address: string | null;
    tax_id: string | null;
    country: string;
    account: string | null;
  };
  /** Months of the year whose books are closed; the figures of the others are missing still. */
  closed_months: number;
  consideration: Money;
  /** Charged predictions that it earned of. */
  transactions: string;
  fees: Money;
  tax_withheld: Money;
  paid_out: Money;
  /** Boxes 5a to 5l of Form 1099-K. */
  months: { period: string; consideration: Money; transactions: string; paid_out: Money }[];
  /** As DAC7 reports them. */
  quarters: {
    quarter: string;
    consideration: Money;
    transactions: string;
    fees: Money;
    tax_withheld: Money;
  }[];
}

interface MonthRow {
  payee: string;
  currency: string;
  period: string;
  consideration: string;
  transactions: string;
  paid: string;
  name: string;
  legal_name: string | null;
  address: string | null;
  tax_id: string | null;
  country: string;
  account: string | null;
}

export interface TaxReportFilter {
  payee?: string;
  /** "payee currency" of the last one already seen. */
  after?: string;
  limit: number;
}

/** By payee and currency; only those with a statement in the year. */
export async function taxReports(
  sql: Sql,
  year: string,
  { payee, after, limit }: TaxReportFilter,
): Promise<TaxReport[]> {
  const yearsEnd: ReturnType<Sql> = sql`${new Date(Date.UTC(Number(year) + 1, 0))}::timestamptz - interval '1 microsecond'`;
  const rows = await sql<MonthRow[]>`
    WITH subject AS (
      SELECT DISTINCT payee, currency FROM statement
      WHERE period >= ${`${year}-01-01`} AND period <= ${`${year}-12-01`}
        AND (${payee ?? null}::text IS NULL OR payee = ${payee ?? null})
        AND (payee, currency) > (${after?.split(" ")[0] ?? ""}, ${after?.split(" ")[1] ?? ""})
      ORDER BY payee, currency LIMIT ${limit})
    SELECT s.payee, s.currency, to_char(s.period, 'YYYY-MM') AS period,
      (s.earned_nanos + s.adjustments_nanos)::text AS consideration, s.paid_nanos::text AS paid,
      -- A prediction that pays a payee for two reasons is one transaction.
      (SELECT coalesce(sum(events), 0)::text FROM (
        SELECT max((l->>'events')::numeric) AS events FROM jsonb_array_elements(s.content->'lines') AS l
        GROUP BY l->>'model', l->>'service_month') x) AS transactions,
      coalesce(n.name, p.name) AS name, coalesce(n.country, p.country) AS country, p.stripe_account AS account,
      k.name AS legal_name, k.address, k.tax_id
    FROM statement s JOIN subject USING (payee, currency) JOIN payee p ON p.id = s.payee
    LEFT JOIN LATERAL (SELECT * FROM payee_legal WHERE payee = s.payee
      ORDER BY coalesce(corrects, payee_legal_no) DESC, payee_legal_no DESC LIMIT 1) k ON true
    -- Whoever moves later lived where it lived.
    LEFT JOIN LATERAL (SELECT * FROM payee_name k WHERE k.payee = s.payee ${nameAt(sql, yearsEnd)}) n ON true
    WHERE s.period >= ${`${year}-01-01`} AND s.period <= ${`${year}-12-01`}
    ORDER BY s.payee, s.currency, s.period`;
  const reports = new Map<string, MonthRow[]>();
  for (const row of rows) {
    const key = `${row.payee} ${row.currency}`;
    reports.set(key, [...(reports.get(key) ?? []), row]);
  }
  return [...reports.values()].flatMap((months) => reportOf(year, months));
}

function reportOf(year: string, rows: readonly MonthRow[]): TaxReport[] {
  const [first] = rows;
  if (first === undefined) return [];
  const { payee, currency, name, legal_name, address, tax_id, country, account } = first;
  const inCurrency = (nanos: Nanos) => money(currency, nanos);
  const total = (of: readonly MonthRow[], field: "consideration" | "transactions" | "paid") =>
    of.reduce((sum, row) => sum + BigInt(row[field]), 0n);
  const zero = inCurrency(0n);
  const months = MONTHS.map((month) => {
    const of = rows.filter((row) => row.period === `${year}-${month}`);
    return {
      period: `${year}-${month}`,
      consideration: inCurrency(total(of, "consideration")),
      transactions: total(of, "transactions").toString(),
      paid_out: inCurrency(total(of, "paid")),
    };
  });
  const quarters = [0, 1, 2, 3].map((n) => {
    const of = rows.filter((row) => Math.floor((Number(row.period.slice(5)) - 1) / 3) === n);
    return {
      quarter: `${year}-Q${n + 1}`,
      consideration: inCurrency(total(of, "consideration")),
      transactions: total(of, "transactions").toString(),
      fees: zero,
      tax_withheld: zero,
    };
  });
  return [
    {
      year,
      payee,
      currency,
      seller: { name: legal_name ?? name, address, tax_id, country, account },
      closed_months: rows.length,
      consideration: inCurrency(total(rows, "consideration")),
      transactions: total(rows, "transactions").toString(),
      fees: zero,
      tax_withheld: zero,
      paid_out: inCurrency(total(rows, "paid")),
      months,
      quarters,
    },
  ];
}

const MONTHS = Array.from({ length: 12 }, (_, n) => String(n + 1).padStart(2, "0"));

const COLUMNS = [
  ..."year payee currency name address tax_id country account closed_months consideration transactions".split(
    " ",
  ),
  ..."fees tax_withheld paid_out".split(" "),
  ...MONTHS.map((month) => `consideration_${month}`),
  ...[1, 2, 3, 4].flatMap((n) => [`consideration_q${n}`, `transactions_q${n}`]),
];

/** One row for each payee and currency. */
export function taxReportsCsv(reports: readonly TaxReport[]): string {
  const rows = reports.map(({ seller, months, quarters, ...report }) => [
    ...[report.year, report.payee, report.currency, seller.name, seller.address ?? "", seller.tax_id ?? ""],
    ...[seller.country, seller.account ?? "", String(report.closed_months), report.consideration.amount],
    ...[report.transactions, report.fees.amount, report.tax_withheld.amount, report.paid_out.amount],
    ...months.map(({ consideration }) => consideration.amount),
    ...quarters.flatMap(({ consideration, transactions }) => [consideration.amount, transactions]),
  ]);
  return csv([COLUMNS, ...rows]);
}
