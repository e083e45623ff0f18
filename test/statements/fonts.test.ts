import { expect, test } from "vitest";
import { FIGURES, fontOf, openFont } from "../../src/statements/paper/fonts.ts";

const STYLES = ["400Regular", "600SemiBold"] as const;

test("figures are laid out glyph by glyph as they are together: no pair of them is another", () => {
  for (const style of STYLES) {
    const [kept, plain] = [fontOf(style), openFont(style)];
    for (const a of FIGURES)
      for (const b of FIGURES)
        expect(shapeOf(kept.layout(a + b)), a + b).toEqual(shapeOf(plain.layout(a + b)));
  }
});

test("what was laid out before is laid out the same again, whatever was done to it meanwhile", () => {
  for (const style of STYLES) {
    const [kept, plain] = [fontOf(style), openFont(style)];
    for (const text of ["Łódź", "office", "ﬁne", "12,345.678901234", "−0.5 %", "AVATAR", "a\u00a0b"]) {
      const before = shapeOf(plain.layout(text));
      for (let time = 0; time < 3; time++) {
        const run = kept.layout(text);
        expect(shapeOf(run), text).toEqual(before);
        for (const position of run.positions) position.xAdvance *= 2;
      }
    }
  }
});

/** What ends up on the page, and what one finds and copies there. */
function shapeOf({ glyphs, positions, advanceWidth }: ReturnType<ReturnType<typeof openFont>["layout"]>) {
  return {
    glyphs: glyphs.map(({ id, codePoints }) => ({ id, codePoints })),
    positions: positions.map((position) => ({ ...position })),
    advanceWidth,
  };
}
