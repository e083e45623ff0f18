import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import decompress from "woff2-encoder/decompress";
import { type Font, fontOf } from "./fonts.ts";
import { Kept } from "./kept.ts";
import { openVariable } from "./variable-font.ts";

/** What letters that the documents' own font has not are drawn with: Noto Sans, cut into files by ranges of letters. */
const SCRIPTS = ["arabic", "hebrew", "devanagari", "thai"] as const;
const HAN = ["jp", "sc", "tc", "kr"] as const;
type Family = (typeof SCRIPTS)[number] | (typeof HAN)[number];

export interface Weights {
  regular: Font;
  bold: Font;
}

/** The letters of one document beside those of its own font, each with what draws it. */
export interface Letters {
  /** By a name for each file. */
  fonts: Map<string, Weights>;
  /** By code point: the name of its font. */
  drawnBy: Map<number, string>;
  /** Letters that no font of ours has, in the order of their code points: they are printed as boxes. */
  missing: string[];
}

const require = createRequire(import.meta.url);
/** Decompressed files; some hundred kilobytes each. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
const files = new Kept<Buffer>(FILE_BYTES_MAX);
const ranges = new Map<Family, Map<number, string>>();

/**
 * Finds what draws each letter of these texts that the documents' own font has not. Fonts are opened anew each time, since they
 * remember what they were asked for: so the same document gives the same bytes.
 * @param country of whoever has Chinese letters in its name: they are drawn as people write them there
 */
export async function lettersOf(texts: Iterable<string>, country?: string): Promise<Letters> {
  const letters: Letters = { fonts: new Map(), drawnBy: new Map(), missing: [] };
  const foreign = foreignIn(texts);
  const families = [...SCRIPTS, ...hanOrder(foreign, country)];
  for (const codePoint of foreign) {
    const name = await fontWith(letters.fonts, families, codePoint);
    if (name !== undefined) letters.drawnBy.set(codePoint, name);
    else if (!IGNORED.test(String.fromCodePoint(codePoint)))
      letters.missing.push(String.fromCodePoint(codePoint));
  }
  return letters;
}

/** By code point: whether a font of ours has it. */
const printed = new Map<number, boolean>();

/** Letters that no font of ours has: in documents they stand as boxes. Looked for once in a process. */
export async function lettersNotPrinted(texts: Iterable<string>): Promise<string[]> {
  const foreign = foreignIn(texts);
  const unknown = foreign.filter((codePoint) => !printed.has(codePoint)).map(letterOf);
  if (unknown.length > 0) {
    const missing = new Set((await lettersOf(unknown)).missing);
    for (const letter of unknown) printed.set(letter.codePointAt(0) ?? 0, !missing.has(letter));
  }
  return foreign.filter((codePoint) => printed.get(codePoint) === false).map(letterOf);
}

const letterOf = (codePoint: number) => String.fromCodePoint(codePoint);

/** Marks and joiners are drawn with the letter before them, or not at all. */
const IGNORED = /\p{Cf}|\p{Cc}|\p{Variation_Selector}/u;

function foreignIn(texts: Iterable<string>): number[] {
  const found = new Set<number>();
  for (const text of texts)
    if (!/^[ -~]*$/.test(text)) for (const letter of text) found.add(letter.codePointAt(0) ?? 0);
  const own = ownLetters();
  return [...found].filter((codePoint) => codePoint >= 0x20 && !own.has(codePoint)).sort((a, b) => a - b);
}

let own: Set<number> | undefined;
/** The letters of the documents' own font. */
function ownLetters(): Set<number> {
  own ??= new Set(fontOf("400Regular").characterSet);
  return own;
}

/** One Chinese letter is drawn in four ways: as in the language that its neighbours tell, or else as where the payee lives. */
function hanOrder(codePoints: readonly number[], country = ""): Family[] {
  const text = codePoints.map(letterOf).join("");
  const byCountry: Record<string, Family> = {
    CN: "sc",
    SG: "sc",
    MY: "sc",
    TW: "tc",
    HK: "tc",
    MO: "tc",
    KR: "kr",
  };
  const kana = /\p{Script=Hiragana}|\p{Script=Katakana}/u.test(text);
  const first = kana ? "jp" : /\p{Script=Hangul}/u.test(text) ? "kr" : (byCountry[country] ?? "jp");
  return [first, ...HAN.filter((family) => family !== first)];
}

async function fontWith(
  opened: Map<string, Weights>,
  families: readonly Family[],
  codePoint: number,
): Promise<string | undefined> {
  for (const family of families) {
    const part = rangesOf(family).get(codePoint);
    if (part === undefined) continue;
    const name = `${family}-${part}`;
    const known = opened.get(name) ?? (await openPart(family, part));
    if (!known.regular.characterSet.includes(codePoint)) continue;
    opened.set(name, known);
    return name;
  }
  return undefined;
}

/** By code point: the part of the family's files that has it. */
function rangesOf(family: Family): Map<number, string> {
  const known = ranges.get(family);
  if (known !== undefined) return known;
  const byPart: Record<string, string> = JSON.parse(
    readFileSync(require.resolve(`${packageOf(family)}/unicode.json`), "utf8"),
  );
  const found = new Map<number, string>();
  for (const [part, list] of Object.entries(byPart))
    for (const range of list.split(",")) {
      const [from = 0, to = from] = range
        .replace("U+", "")
        .split("-")
        .map((digits) => Number.parseInt(digits, 16));
      for (let codePoint = from; codePoint <= to; codePoint++)
        if (!found.has(codePoint)) found.set(codePoint, part.replaceAll(/[[\]]/g, ""));
    }
  ranges.set(family, found);
  return found;
}

async function openPart(family: Family, part: string): Promise<Weights> {
  const file = `noto-sans-${family}-${part}-wght-normal.woff2`;
  const bytes =
    files.get(file) ??
    Buffer.from(await decompress(readFileSync(require.resolve(`${packageOf(family)}/files/${file}`))));
  files.keep(file, bytes);
  const name = `NotoSans-${family}-${part}`;
  return {
    regular: openVariable(bytes, { name: `${name}-Regular`, weight: 400 }),
    bold: openVariable(bytes, { name: `${name}-SemiBold`, weight: 600 }),
  };
}

function packageOf(family: Family): string {
  return `@fontsource-variable/noto-sans-${family}`;
}
