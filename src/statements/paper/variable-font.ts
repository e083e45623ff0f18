import { createRequire } from "node:module";
import type { Font } from "./fonts.ts";

/** What fontkit has of a font beyond what others use of it. */
interface VariableFont extends Font {
  getVariation(settings: { wght: number }): VariableFont;
  getGlyph(id: number): { path: Path; advanceWidth: number; _getMetrics(): { leftBearing: number } };
  createSubset(): Subset;
}

interface Path {
  commands: { command: string; args: number[] }[];
}

interface Subset {
  glyf: Uint8Array[];
  loca: { offsets: number[] };
  hmtx: { metrics: { advance: number; bearing: number }[] };
  offset: number;
  _addGlyph(id: number): number;
}

const fontkit: { create(file: Uint8Array): VariableFont } = createRequire(import.meta.url)("fontkit");

/**
 * One weight of a variable TrueType font, as documents take it. fontkit (2.0.4) cannot write the outlines of such a font into a
 * document, it throws; so they are written here.
 * @param name by which documents tell fonts apart: all parts and weights of a family say the same one of themselves
 */
export function openVariable(file: Uint8Array, { name, weight }: { name: string; weight: number }): Font {
  const font = fontkit.create(file).getVariation({ wght: weight });
  const emptySubset = font.createSubset.bind(font);
  const createSubset = (): Subset => {
    const subset = emptySubset();
    subset._addGlyph = (id) => {
      const glyph = font.getGlyph(id);
      const bytes = outlineBytes(glyph.path);
      subset.glyf.push(bytes);
      subset.loca.offsets.push(subset.offset);
      subset.hmtx.metrics.push({ advance: glyph.advanceWidth, bearing: glyph._getMetrics().leftBearing });
      subset.offset += bytes.length;
      return subset.glyf.length - 1;
    };
    return subset;
  };
  return Object.defineProperties(font, {
    createSubset: { value: createSubset },
    postscriptName: { value: name },
  });
}

const ON_CURVE = 1;

/** A glyph of a `glyf` table: contours of whole coordinates, each as the step from the one before, without instructions. */
function outlineBytes({ commands }: Path): Buffer {
  const points: { x: number; y: number; flag: number }[] = [];
  const ends: number[] = [];
  for (const { command, args } of commands) {
    if (command === "closePath") {
      if (points.length > 0 && ends.at(-1) !== points.length - 1) ends.push(points.length - 1);
      continue;
    }
    for (let n = 0; n < args.length; n += 2) {
      const flag = command === "quadraticCurveTo" && n === 0 ? 0 : ON_CURVE;
      points.push({ x: Math.round(args[n] ?? 0), y: Math.round(args[n + 1] ?? 0), flag });
    }
  }
  if (points.length === 0) return Buffer.alloc(0);
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  const size = 10 + 2 * ends.length + 2 + 5 * points.length;
  const bytes = Buffer.alloc(Math.ceil(size / 4) * 4);
  let at = bytes.writeInt16BE(ends.length, 0);
  for (const edge of box) at = bytes.writeInt16BE(edge, at);
  for (const end of ends) at = bytes.writeUInt16BE(end, at);
  at = bytes.writeUInt16BE(0, at);
  for (const { flag } of points) at = bytes.writeUInt8(flag, at);
  for (const values of [xs, ys])
    for (const [n, value] of values.entries()) at = bytes.writeInt16BE(value - (values[n - 1] ?? 0), at);
  return bytes;
}
