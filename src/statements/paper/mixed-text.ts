import { createRequire } from "node:module";
import type { Letters } from "./other-scripts.ts";

interface Bidi {
  getEmbeddingLevels(text: string): { levels: Uint8Array };
  getMirroredCharactersMap(text: string, levels: Uint8Array): Map<number, string>;
}

// Its types are for a module that it is not here.
const openBidi: () => Bidi = createRequire(import.meta.url)("bidi-js");
const bidi = openBidi();

/** Letters next to each other on paper that one font draws; null is the documents' own font. */
export interface Run {
  text: string;
  font: string | null;
}

export function isMixed(letters: Letters, text: string): boolean {
  if (letters.drawnBy.size === 0) return false;
  for (const letter of text) if (letters.drawnBy.has(letter.codePointAt(0) ?? 0)) return true;
  return false;
}

/** The runs of one line from left to right, as the Unicode bidirectional algorithm orders them. */
export function runsOf(letters: Letters, line: string): Run[] {
  const { levels } = bidi.getEmbeddingLevels(line);
  const mirrored = bidi.getMirroredCharactersMap(line, levels);
  const logical: (Run & { level: number })[] = [];
  let at = 0;
  for (const letter of line) {
    const level = levels[at] ?? 0;
    const text = mirrored.get(at) ?? letter;
    const last = logical.at(-1);
    at += letter.length;
    if (/^[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]$/.test(letter)) continue;
    // A mark belongs to the letter that it stands on.
    const font = last !== undefined && JOINS.test(letter) ? last.font : fontOfLetter(letters, letter);
    if (last !== undefined && last.level === level && last.font === font) last.text += text;
    else logical.push({ text, font, level });
  }
  return inVisualOrder(logical).map(({ text, font, level }) => ({
    text: level % 2 === 0 || TURNED_BY_FONT.test(text) ? text : [...text].reverse().join(""),
    font,
  }));
}

/** Letters of these are laid out from right to left by their fonts; spaces and brackets between them are not. */
const TURNED_BY_FONT = /[\p{Script=Hebrew}\p{Script=Arabic}]/u;

const JOINS = /^[\p{M}\u200c\u200d]$/u;

function fontOfLetter({ drawnBy }: Letters, letter: string): string | null {
  return drawnBy.get(letter.codePointAt(0) ?? 0) ?? null;
}

/** Rule L2 on whole runs. */
function inVisualOrder<R extends { level: number }>(runs: readonly R[]): R[] {
  const ordered = [...runs];
  const highest = Math.max(0, ...runs.map(({ level }) => level));
  for (let level = highest; level > 0; level--)
    for (let from = 0; from < ordered.length; from++) {
      let to = from;
      while ((ordered[to]?.level ?? -1) >= level) to++;
      if (to > from) ordered.splice(from, to - from, ...ordered.slice(from, to).reverse());
      from = to;
    }
  return ordered;
}

const words = new Intl.Segmenter("und", { granularity: "word" });
const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

/** Breaks text where lines may break, so that each fits; what does not fit by itself is broken anywhere. */
export function linesOf(text: string, fits: (line: string) => boolean): string[] {
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = [];
    let line = "";
    const take = (piece: string) => {
      if (line === "" || fits((line + piece).trimEnd())) line += piece;
      else {
        lines.push(line.trimEnd());
        line = piece.trimStart();
      }
    };
    for (const { segment } of words.segment(paragraph))
      if (fits(segment)) take(segment);
      else for (const { segment: letter } of graphemes.segment(segment)) take(letter);
    return [...lines, line.trimEnd()];
  });
}
