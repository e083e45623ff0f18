import PDFDocument from "pdfkit";
import { type Style as FontStyle, fontOf } from "./fonts.ts";
import type { Letters } from "./other-scripts.ts";
import { addLetters, mixedHeight, mixedWidth, otherLetters, type Style, writeMixed } from "./write-mixed.ts";

export const INK = "#16181d";
export const FAINT = "#69707d";
export const RULE = "#d9dce3";
export const TINT = "#f3f5f9";
export const ACCENT = "#1f4f8f";
export const MARGIN = 48;
const FOOT = 66;
const ROW_PADDING = 4;

export type Pdf = InstanceType<typeof PDFDocument>;

export interface Column {
  title: string;
  width: number;
  right?: boolean;
}

/**
 * A4. The same calls give the same bytes: its only time is the one given here.
 * @param letters those that it will have beside its own font's
 */
export function openPdf(title: string, author: string, createdAt: Date, letters: Letters): Pdf {
  const pdf = new PDFDocument({
    size: "A4",
    margins: { top: MARGIN, left: MARGIN, right: MARGIN, bottom: 0 },
    bufferPages: true,
    lang: "en",
    displayTitle: true,
    info: {
      Title: title,
      Author: author,
      Creator: "Tributary",
      Producer: "Tributary",
      CreationDate: createdAt,
    },
  });
  registerFont(pdf, "regular", "400Regular");
  registerFont(pdf, "bold", "600SemiBold");
  addLetters(pdf, letters);
  return pdf;
}

/** An opened font is taken too (`PDFFontFactory.open`), which its types do not say. */
function registerFont(pdf: Pdf, name: string, style: FontStyle): void {
  pdf.registerFont(name, fontOf(style) as unknown as Uint8Array);
}

export function bytesOf(pdf: Pdf): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    pdf.on("data", (chunk: Buffer) => chunks.push(chunk));
    pdf.on("end", () => resolve(Buffer.concat(chunks)));
    pdf.on("error", reject);
    pdf.end();
  });
}

export const contentWidth = (pdf: Pdf) => pdf.page.width - 2 * MARGIN;

export function write(
  pdf: Pdf,
  text: string,
  at: { x: number; y: number; width: number },
  style: Style = {},
): void {
  const letters = otherLetters(pdf, text);
  if (letters !== undefined) {
    writeMixed(pdf, letters, text, { ...at, color: INK, ...style });
    return;
  }
  pdf
    .font(style.bold ? "bold" : "regular")
    .fontSize(style.size ?? 8.5)
    .fillColor(style.color ?? INK);
  const wide = pdf.widthOfString(text);
  if (wide > at.width || text.includes("\n")) {
    pdf.text(text, at.x, at.y, { width: at.width, align: style.right ? "right" : "left" });
    return;
  }
  // Looking for where a line may break takes longer than writing it.
  pdf.text(text, style.right ? at.x + at.width - wide : at.x, at.y, { lineBreak: false });
  pdf.y = at.y + pdf.currentLineHeight(true);
}

/** On one line: smaller where it would not fit. */
export function writeFitting(
  pdf: Pdf,
  text: string,
  at: { x: number; y: number; width: number },
  style: Style = {},
): void {
  const size = style.size ?? 8.5;
  const letters = otherLetters(pdf, text);
  const wide =
    letters !== undefined
      ? mixedWidth(pdf, letters, text, style)
      : pdf
          .font(style.bold ? "bold" : "regular")
          .fontSize(size)
          .widthOfString(text);
  write(pdf, text, at, { ...style, size: wide <= at.width ? size : (size * (at.width - 0.5)) / wide });
}

/** A new page, unless so much still fits above the foot. */
export function makeRoom(pdf: Pdf, height: number): void {
  if (pdf.y + height <= pdf.page.height - FOOT) return;
  pdf.addPage();
  pdf.y = MARGIN;
}

export function heading(pdf: Pdf, text: string, note?: string): void {
  makeRoom(pdf, 70);
  pdf.y += 16;
  write(
    pdf,
    text,
    { x: MARGIN, y: pdf.y, width: contentWidth(pdf) },
    { size: 11, bold: true, color: ACCENT },
  );
  if (note !== undefined)
    write(pdf, note, { x: MARGIN, y: pdf.y + 1, width: contentWidth(pdf) }, { size: 8, color: FAINT });
  pdf.y += 5;
}

/** Rows under their heading, which is repeated on each page; a bold last row is a total. */
export function table(
  pdf: Pdf,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  total?: readonly string[],
): void {
  tableHead(pdf, columns);
  for (const row of rows) tableRow(pdf, columns, row, false);
  if (total !== undefined) tableRow(pdf, columns, total, true);
}

function tableHead(pdf: Pdf, columns: readonly Column[]): void {
  const y = pdf.y;
  pdf.rect(MARGIN, y, contentWidth(pdf), 17).fill(TINT);
  cells(
    pdf,
    columns,
    y + 3,
    columns.map(({ title }) => title),
    { size: 7.5, color: FAINT },
  );
  pdf.y = y + 17;
}

function tableRow(pdf: Pdf, columns: readonly Column[], row: readonly string[], bold: boolean): void {
  pdf.font(bold ? "bold" : "regular").fontSize(8.5);
  const line = pdf.currentLineHeight(true);
  const heights = columns.map(({ width, right }, n) =>
    right ? 0 : heightOf(pdf, row[n] ?? "", { width: width - 8, bold }),
  );
  const height = Math.max(line, ...heights) + 2 * ROW_PADDING;
  if (pdf.y + height > pdf.page.height - FOOT) {
    makeRoom(pdf, Number.POSITIVE_INFINITY);
    tableHead(pdf, columns);
  }
  const y = pdf.y;
  cells(pdf, columns, y + ROW_PADDING, row, { bold });
  pdf
    .moveTo(MARGIN, y + height)
    .lineTo(MARGIN + contentWidth(pdf), y + height)
    .lineWidth(0.5)
    .stroke(RULE);
  pdf.y = y + height;
}

function heightOf(pdf: Pdf, text: string, { width, bold }: { width: number; bold: boolean }): number {
  const letters = otherLetters(pdf, text);
  if (letters !== undefined) return mixedHeight(pdf, letters, text, { width, bold });
  pdf.font(bold ? "bold" : "regular").fontSize(8.5);
  return pdf.widthOfString(text) <= width ? 0 : pdf.heightOfString(text, { width });
}

function cells(
  pdf: Pdf,
  columns: readonly Column[],
  y: number,
  texts: readonly string[],
  style: { size?: number; bold?: boolean; color?: string },
): void {
  let x = MARGIN;
  for (const [n, { width, right }] of columns.entries()) {
    const cell = right ? writeFitting : write;
    cell(pdf, texts[n] ?? "", { x: x + 4, y, width: width - 8 }, { ...style, right: right ?? false });
    x += width;
  }
}

/** Under every page, when all of them are there. */
export function footers(pdf: Pdf, lines: readonly string[]): void {
  const { count } = pdf.bufferedPageRange();
  for (let n = 0; n < count; n++) {
    pdf.switchToPage(n);
    const top = pdf.page.height - FOOT + 18;
    const width = contentWidth(pdf);
    pdf
      .moveTo(MARGIN, top)
      .lineTo(MARGIN + width, top)
      .lineWidth(0.5)
      .stroke(RULE);
    for (const [at, line] of lines.entries())
      write(pdf, line, { x: MARGIN, y: top + 6 + at * 10, width: width - 70 }, { size: 6.5, color: FAINT });
    const page = `Page ${n + 1} of ${count}`;
    write(
      pdf,
      page,
      { x: MARGIN + width - 70, y: top + 6, width: 70 },
      { size: 7, color: FAINT, right: true },
    );
  }
}
