import { digitsInWords, type Money, money, parseNanos, present } from "../../kernel/index.ts";
import type { Statement } from "../../settlement/index.ts";
import { type Letters, lettersOf } from "./other-scripts.ts";
import {
  ACCENT,
  bytesOf,
  type Column,
  contentWidth,
  FAINT,
  footers,
  heading,
  INK,
  MARGIN,
  makeRoom,
  openPdf,
  type Pdf,
  TINT,
  table,
  write,
  writeFitting,
} from "./pdf-page.ts";
import type { Party, StatementDocument } from "./statement-document.ts";

/** A statement as one hands it to a tax adviser: pure, the same document and platform give the same bytes. */
export async function statementPdf(document: StatementDocument, platform: Party): Promise<Buffer> {
  const { statement, payee, movements } = document;
  const number = numberOf(statement);
  const letters = await lettersOf(freeTexts(document, platform), payee.country);
  const createdAt = new Date(document.closedAt);
  const pdf = openPdf(`Self-billing statement ${number}`, platform.name, createdAt, letters);
  head(pdf, document, platform);
  sayMissing(pdf, letters);
  summary(pdf, statement);
  const late = statement.lines.filter((line) => line.service_month < statement.period);
  const timely = statement.lines.filter((line) => line.service_month >= statement.period);
  heading(pdf, "Earnings by model", `Usage of ${monthName(statement.period)}`);
  lines(pdf, timely);
  for (const month of [...new Set(late.map((line) => line.service_month))].sort()) {
    heading(pdf, `Late usage of ${monthName(month)}`, `Reported after ${monthName(month)} was closed`);
    lines(
      pdf,
      late.filter((line) => line.service_month === month),
    );
  }
  movementTable(
    pdf,
    "Adjustments",
    movements.filter((each) => each.kind === "adjustment"),
  );
  for (const [kind, title] of RARE) {
    const some = movements.filter((each) => each.kind === kind);
    if (some.length > 0) movementTable(pdf, title, some);
  }
  movementTable(
    pdf,
    "Payouts",
    movements.filter((each) => each.kind === "paid"),
  );
  notes(pdf, document, platform);
  footers(pdf, [
    `Statement ${number}  ·  SHA-256 of its content: ${statement.hash}`,
    "Amounts are exact to nine decimals. Payouts are in whole minor units; what is left is carried forward.",
  ]);
  return bytesOf(pdf);
}

/** What people wrote: ids, amounts and words of ours have no other letters. */
function freeTexts({ payee, movements }: StatementDocument, platform: Party): string[] {
  const parties = [payee, platform].flatMap(({ name, addressLines, taxId }) => [
    name,
    ...addressLines,
    taxId ?? "",
  ]);
  return [...parties, ...movements.flatMap(({ what, corrects }) => [what, corrects ?? ""])];
}

function sayMissing(pdf: Pdf, { missing }: Letters): void {
  if (missing.length === 0) return;
  const codes = missing.map(
    (letter) => `U+${letter.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}`,
  );
  const text = `Letters that this document cannot show are printed as boxes: ${codes.join(", ")} (Unicode). The payee's record has them.`;
  write(pdf, text, { x: MARGIN, y: pdf.y - 8, width: contentWidth(pdf) }, { size: 7.5, color: ACCENT });
  pdf.y += 8;
}

/** Told of where there are any. */
const RARE = [
  ["held", "Held back"],
  ["released", "Released"],
  ["converted", "Converted"],
] as const;

export function numberOf({ period, payee, currency }: Statement): string {
  return `${period}-${payee}-${currency}`;
}

function head(
  pdf: Pdf,
  { statement, payee, closedAt, correctedOn }: StatementDocument,
  platform: Party,
): void {
  const width = contentWidth(pdf);
  pdf.rect(0, 0, pdf.page.width, 6).fill(ACCENT);
  write(pdf, platform.name, { x: MARGIN, y: 40, width: width / 2 }, { size: 10, bold: true, color: ACCENT });
  write(pdf, "Self-billing statement", { x: MARGIN, y: 60, width }, { size: 20, bold: true });
  write(
    pdf,
    `${monthName(statement.period)} · ${statement.currency}`,
    { x: MARGIN, y: 87, width },
    { size: 11, color: FAINT },
  );
  const right = { x: MARGIN + width / 2, width: width / 2 };
  write(pdf, `Statement ${numberOf(statement)}`, { ...right, y: 40 }, { right: true });
  write(pdf, `Issued ${closedAt.slice(0, 10)}`, { ...right, y: pdf.y }, { right: true, color: FAINT });
  if (correctedOn !== null)
    write(pdf, `Corrected copy of ${correctedOn}`, { ...right, y: pdf.y }, { right: true, bold: true });
  const top = 122;
  const half = width / 2 - 12;
  party(pdf, "Supplier (payee)", { ...payee, name: payee.name }, { x: MARGIN, y: top, width: half }, [
    `Payee ${payee.id}, ${payee.country}`,
  ]);
  const bottom = pdf.y;
  party(
    pdf,
    "Recipient, who issues this statement",
    platform,
    { x: MARGIN + width / 2, y: top, width: half },
    [],
  );
  pdf.y = Math.max(bottom, pdf.y) + 14;
}

function party(
  pdf: Pdf,
  title: string,
  { name, addressLines, taxId }: Party,
  at: { x: number; y: number; width: number },
  more: readonly string[],
): void {
  write(pdf, title, at, { size: 7.5, color: FAINT });
  write(pdf, name, { ...at, y: pdf.y + 2 }, { size: 9.5, bold: true });
  for (const line of addressLines) write(pdf, line, { ...at, y: pdf.y });
  if (addressLines.length === 0) write(pdf, "Address: not given", { ...at, y: pdf.y }, { color: FAINT });
  write(
    pdf,
    `Tax number: ${taxId ?? "not given"}`,
    { ...at, y: pdf.y },
    taxId === null ? { color: FAINT } : {},
  );
  for (const line of more) write(pdf, line, { ...at, y: pdf.y }, { color: FAINT });
}

function summary(pdf: Pdf, statement: Statement): void {
  const { opening, earned, adjustments, netted, held, released, converted, paid, closing } = statement;
  const rare: [string, Money, string][] = [
    ["Own usage", netted, "−"],
    ["Held", held, "−"],
    ["Released", released, "+"],
    ["Converted", converted, "+"],
  ];
  const rows: [string, Money, string][] = [
    ["Opening balance", opening, ""],
    ["Earned", earned, "+"],
    ["Adjustments", adjustments, "+"],
    ...rare.filter(([, amount]) => nanosOf(amount) !== 0n),
    ["Paid out", paid, "−"],
    ["Closing balance", closing, "="],
  ];
  const width = contentWidth(pdf);
  const y = pdf.y;
  pdf.roundedRect(MARGIN, y, width, 62, 4).fill(TINT);
  const each = width / rows.length;
  for (const [n, [title, amount, sign]] of rows.entries()) {
    const at = { x: MARGIN + n * each + 10, width: each - 12 };
    const bold = n === rows.length - 1;
    write(pdf, `${sign} ${title}`.trim(), { ...at, y: y + 11 }, { size: 8, color: FAINT });
    writeFitting(pdf, shown(amount), { ...at, y: y + 25 }, { size: 10.5, bold, color: bold ? ACCENT : INK });
    write(pdf, amount.currency, { ...at, y: y + 42 }, { size: 7.5, color: FAINT });
  }
  pdf.y = y + 62;
}

const LINES: Column[] = [
  { title: "Model", width: 138 },
  { title: "Reason", width: 82 },
  { title: "Predictions", width: 54, right: true },
  { title: "Gross", width: 88, right: true },
  { title: "Your part", width: 47, right: true },
  { title: "Earned", width: 90, right: true },
];

function lines(pdf: Pdf, rows: Statement["lines"]): void {
  if (rows.length === 0) {
    nothing(pdf);
    return;
  }
  const earned = rows.reduce((sum, row) => sum + nanosOf(row.earned), 0n);
  table(
    pdf,
    LINES,
    rows.map((row) => [
      row.model,
      row.paid_by === row.model ? row.reason : `${row.reason}, through ${row.paid_by}`,
      grouped(row.events),
      shown(row.gross),
      `${percent(row.share)} %`,
      shown(row.earned),
    ]),
    ["Total", "", "", "", "", shownNanos(earned, rows[0]?.earned.currency ?? "")],
  );
}

const MOVEMENTS: Column[] = [
  { title: "Booked on", width: 62 },
  { title: "What", width: 190 },
  { title: "Corrects", width: 157 },
  { title: "Amount", width: 90, right: true },
];

function movementTable(pdf: Pdf, title: string, movements: StatementDocument["movements"]): void {
  heading(pdf, title);
  if (movements.length === 0) {
    nothing(pdf);
    return;
  }
  table(
    pdf,
    MOVEMENTS,
    movements.map(({ day, what, corrects, amount }) => [day, what, corrects ?? "–", shown(amount)]),
  );
}

function nothing(pdf: Pdf): void {
  write(pdf, "None in this month.", { x: MARGIN, y: pdf.y, width: contentWidth(pdf) }, { color: FAINT });
}

function notes(pdf: Pdf, { payee, correctedOn }: StatementDocument, platform: Party): void {
  makeRoom(pdf, 80);
  pdf.y += 18;
  const text = `${platform.name} issues this statement on behalf of ${payee.name} (self-billing): the payee supplies the use of its models to the platform, and no separate invoice is needed. No tax is computed, withheld or included. The statement never changes after its month is closed; later corrections stand on later statements and name what they correct.${
    correctedOn === null
      ? ""
      : ` This is a corrected copy, made on ${correctedOn}: a mistake in the payee's name, address or tax number is mended; all figures are as they were. It takes the place of the copies before it.`
  }`;
  write(pdf, text, { x: MARGIN, y: pdf.y, width: contentWidth(pdf) }, { size: 7.5, color: FAINT });
}

const nanosOf = ({ amount }: Money) => present(parseNanos(amount), "an amount");

const shown = (amount: Money) => shownNanos(nanosOf(amount), amount.currency);

/** As sentences say it, with thousands apart. */
function shownNanos(nanos: bigint, currency: string): string {
  const [whole = "", ...fraction] = digitsInWords(money(currency, nanos < 0n ? -nanos : nanos)).split(".");
  return `${nanos < 0n ? "−" : ""}${[grouped(whole), ...fraction].join(".")}`;
}

function grouped(digits: string): string {
  return digits.replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

/** "0.800000" is "80". */
function percent(share: string): string {
  const [whole = "0", fraction = ""] = share.split(".");
  const digits = `${whole}${fraction.padEnd(6, "0")}`;
  const hundredfold = `${BigInt(digits.slice(0, -4))}.${digits.slice(-4)}`;
  return hundredfold.replace(/\.?0+$/, "");
}

function monthName(period: string): string {
  const date = new Date(`${period}-01T00:00:00Z`);
  return date.toLocaleDateString("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });
}
