import { csv } from "../../kernel/index.ts";
import type { StatementDocument } from "./statement-document.ts";

const COLUMNS = [
  "period",
  "payee",
  "currency",
  "row",
  "model",
  "reason",
  "paid_by",
  "service_month",
  "late",
  "events",
  "gross",
  "share",
  "amount",
  "date",
  "reference",
  "corrects",
  "hash",
];

type Cells = Partial<Record<(typeof COLUMNS)[number], string>>;

/** Statements as one table: opening and every other row but closing add up to closing. */
export function statementsCsv(documents: readonly StatementDocument[]): string {
  const rows = documents.flatMap(statementRows);
  return csv([COLUMNS, ...rows.map((cells) => COLUMNS.map((column) => cells[column] ?? ""))]);
}

function statementRows({ statement, movements }: StatementDocument): Cells[] {
  const { period, payee, currency, hash, lines } = statement;
  const rows: Cells[] = [
    { row: "opening", amount: statement.opening.amount },
    ...lines.map(({ gross, earned, ...line }) => ({
      ...line,
      row: "earning",
      late: line.service_month < period ? "yes" : "no",
      gross: gross.amount,
      amount: earned.amount,
    })),
    ...movements.map(({ kind, day, what, corrects, amount }) => ({
      row: kind,
      date: day,
      reference: what,
      corrects: corrects ?? "",
      amount: amount.amount,
    })),
    { row: "closing", amount: statement.closing.amount },
  ];
  return rows.map((cells) => ({ period, payee, currency, hash, ...cells }));
}
