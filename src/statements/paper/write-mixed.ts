import { isMixed, linesOf, runsOf } from "./mixed-text.ts";
import type { Letters } from "./other-scripts.ts";
import type { Pdf } from "./pdf-page.ts";

export interface Style {
  size?: number;
  bold?: boolean;
  color?: string;
  right?: boolean;
}

/** Letters of several fonts stand higher and lower than those of one. */
const LINE = 1.15;

const lettersIn = new WeakMap<Pdf, Letters>();

/** Has a document draw these letters besides those of its own font. */
export function addLetters(pdf: Pdf, letters: Letters): void {
  if (letters.fonts.size === 0) return;
  lettersIn.set(pdf, letters);
  for (const [name, { regular, bold }] of letters.fonts) {
    // An opened font is taken too (`PDFFontFactory.open`), which its types do not say.
    pdf.registerFont(`regular ${name}`, regular as unknown as Uint8Array);
    pdf.registerFont(`bold ${name}`, bold as unknown as Uint8Array);
  }
}

/** The document's other letters, where this text has any of them. */
export function otherLetters(pdf: Pdf, text: string): Letters | undefined {
  const letters = lettersIn.get(pdf);
  return letters !== undefined && isMixed(letters, text) ? letters : undefined;
}

/** Of one line. */
export function mixedWidth(pdf: Pdf, letters: Letters, line: string, style: Style): number {
  return runsOf(letters, line).reduce(
    (sum, run) => sum + select(pdf, run.font, style).widthOfString(run.text),
    0,
  );
}

export function mixedHeight(
  pdf: Pdf,
  letters: Letters,
  text: string,
  { width, ...style }: Style & { width: number },
): number {
  return linesIn(pdf, letters, text, { width, ...style }).length * lineHeight(pdf, style);
}

export function writeMixed(
  pdf: Pdf,
  letters: Letters,
  text: string,
  { x, y, width, ...style }: Style & { x: number; y: number; width: number },
): void {
  const height = lineHeight(pdf, style);
  let baseline = y + ascent(pdf, style);
  for (const line of linesIn(pdf, letters, text, { width, ...style })) {
    let at = style.right ? x + width - mixedWidth(pdf, letters, line, style) : x;
    for (const run of runsOf(letters, line)) {
      select(pdf, run.font, style).text(run.text, at, baseline, { lineBreak: false, baseline: "alphabetic" });
      at += pdf.widthOfString(run.text);
    }
    baseline += height;
  }
  pdf.y = baseline - ascent(pdf, style);
}

function linesIn(pdf: Pdf, letters: Letters, text: string, { width, ...style }: Style & { width: number }) {
  return linesOf(text, (line) => mixedWidth(pdf, letters, line, style) <= width);
}

function select(pdf: Pdf, font: string | null, { size = 8.5, bold, color }: Style): Pdf {
  const style = bold ? "bold" : "regular";
  pdf.font(font === null ? style : `${style} ${font}`).fontSize(size);
  return color === undefined ? pdf : pdf.fillColor(color);
}

function lineHeight(pdf: Pdf, style: Style): number {
  return LINE * select(pdf, null, style).currentLineHeight(true);
}

/** Of the document's own font, which all lines stand on. */
function ascent(pdf: Pdf, style: Style): number {
  const { _font } = select(pdf, null, style) as unknown as { _font: { ascender: number } };
  return (_font.ascender / 1000) * (style.size ?? 8.5);
}
