import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** A word as glyphs, each with where it stands. */
interface GlyphRun {
  glyphs: { id: number; codePoints: number[] }[];
  positions: { xAdvance: number; yAdvance: number; xOffset: number; yOffset: number }[];
  advanceWidth: number;
}

/** What is used of a font here; documents use more. */
export interface Font {
  characterSet: number[];
  glyphForCodePoint(codePoint: number): unknown;
  layout(text: string, ...settings: unknown[]): GlyphRun;
}

// It comes without types.
const require = createRequire(import.meta.url);
const fontkit: { create(file: Uint8Array): Font } = require("fontkit");

export type Style = "400Regular" | "600SemiBold";

/** What amounts and dates are written with: in these fonts no two of them change or move each other (a test has all pairs). */
export const FIGURES = "0123456789.,−%: -";
const IS_FIGURE = new RegExp(`^[${FIGURES}]+$`);
/** That are drawn as one glyph. */
const LIGATURES = ["fi", "fl", "ff", "ffi", "ffl"];
/** A word is a few kilobytes. When there are more, all are forgotten. */
const WORDS_MAX = 5_000;

const opened = new Map<Style, Font>();

/**
 * A font as documents take it, opened once in a process: reading it, and finding the glyphs of words and figures, was most
 * of what a document cost.
 */
export function fontOf(style: Style): Font {
  const known = opened.get(style);
  if (known !== undefined) return known;
  const font = remembering(openFont(style));
  opened.set(style, font);
  return font;
}

export function openFont(style: Style): Font {
  const font = fontkit.create(
    readFileSync(require.resolve(`@expo-google-fonts/ibm-plex-sans/${style}/IBMPlexSans_${style}.ttf`)),
  );
  // A glyph keeps the first text that it stood for: always the same, whichever document is the first to have it.
  for (const text of LIGATURES) font.layout(text);
  for (const codePoint of font.characterSet.toSorted((a, b) => a - b)) font.glyphForCodePoint(codePoint);
  return font;
}

/** The font, with what it has laid out before. */
function remembering(font: Font): Font {
  const words = new Map<string, GlyphRun>();
  const layout = (text: string): GlyphRun => {
    const known = words.get(text);
    if (known !== undefined) return known;
    if (words.size >= WORDS_MAX) words.clear();
    const run = font.layout(text);
    words.set(text, run);
    return run;
  };
  return Object.create(font, {
    layout: {
      value(text: string, ...settings: unknown[]): GlyphRun {
        if (settings.some((setting) => setting !== undefined)) return font.layout(text, ...settings);
        return joined(IS_FIGURE.test(text) ? Array.from(text, layout) : [layout(text)]);
      },
    },
  }) as Font;
}

/** With positions of its own, for the document to scale. */
function joined(runs: readonly GlyphRun[]): GlyphRun {
  const positions = runs.flatMap((run) => run.positions.map((position) => ({ ...position })));
  return {
    glyphs: runs.flatMap(({ glyphs }) => glyphs),
    positions,
    get advanceWidth() {
      return positions.reduce((sum, { xAdvance }) => sum + xAdvance, 0);
    },
  };
}
