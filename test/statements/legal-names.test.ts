import { createRequire } from "node:module";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { present } from "../../src/kernel/index.ts";
import { linesOf, runsOf } from "../../src/statements/paper/mixed-text.ts";
import { lettersOf } from "../../src/statements/paper/other-scripts.ts";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

const NAMES: [string, string, RegExp][] = [
  ["JP", "山田 太郎 株式会社さくら（東京）", /^jp-/],
  ["CN", "北京智模科技有限公司", /^sc-/],
  ["TW", "臺灣模型股份有限公司", /^tc-/],
  ["KR", "주식회사 모델랩 金", /^kr-/],
  ["AE", "محمد عبد الله", /^arabic-/],
  ["IL", "דוד כהן", /^hebrew-/],
  ["TH", "บริษัท โมเดล จำกัด", /^thai-/],
  ["IN", "श्री राजेश क्षेत्री", /^devanagari-/],
];
const OF_NO_FONT = "ꦲꦤ";

describe("letters", () => {
  test.each(NAMES)(
    "of a name in %s are all drawn, as they are written there: %s",
    async (country, name, font) => {
      const { missing, drawnBy } = await lettersOf([name], country);
      expect(missing).toEqual([]);
      for (const by of drawnBy.values()) expect(by).toMatch(font);
      expect(drawnBy.size).toBeGreaterThan(3);
    },
  );

  test("of the documents' own font need no other, and those of no font are named", async () => {
    expect(await lettersOf(["Łódź, Ευρώπη, Москва — №1 “x” €"])).toMatchObject({ missing: [] });
    expect((await lettersOf(["Łódź, Ευρώπη, Москва"])).fonts.size).toBe(0);
    expect((await lettersOf([`Jawa ${OF_NO_FONT}`])).missing).toEqual([...OF_NO_FONT].sort());
  });

  test("are written into the document as their font draws them, in each weight", async () => {
    const fontkit = createRequire(import.meta.url)("fontkit");
    for (const [country, name] of NAMES) {
      const { fonts, drawnBy } = await lettersOf([name], country);
      for (const [codePoint, part] of drawnBy) {
        const outlines: string[] = [];
        for (const font of Object.values(present(fonts.get(part), "the font"))) {
          // biome-ignore lint/suspicious/noExplicitAny: it comes without types
          const drawn = font as any;
          const glyph = drawn.glyphForCodePoint(codePoint);
          const subset = drawn.createSubset();
          const id = subset.includeGlyph(glyph);
          const written = fontkit.create(Buffer.from(subset.encode())).getGlyph(id);
          const rounded = glyph.path.mapPoints((x: number, y: number) => [Math.round(x), Math.round(y)]);
          expect(written.path.bbox, part).toEqual(rounded.bbox);
          outlines.push(written.path.toSVG());
        }
        expect(outlines[0], part).not.toBe("");
        expect(outlines[0], part).not.toBe(outlines[1]);
      }
    }
  });

  test("that are read from right to left stand so, with numbers and brackets in their places", async () => {
    const name = 'דוד כהן (ש"ח) 512 Ltd.';
    const runs = runsOf(await lettersOf([name]), name);
    const shown = runs
      .map(({ text, font }) => (font === null ? text : [...text].reverse().join("")))
      .join("");
    expect(shown).toBe('.Ltd 512 (ח"ש) ןהכ דוד');
  });

  test("are broken into lines where the language allows it, or anywhere when nothing else fits", () => {
    const fits = (line: string) => line.length <= 8;
    expect(linesOf("東京都千代田区丸の内一丁目", fits).join("")).toBe("東京都千代田区丸の内一丁目");
    expect(linesOf("東京都千代田区丸の内一丁目", fits).every(fits)).toBe(true);
    expect(linesOf("one two three", fits)).toEqual(["one two", "three"]);
    expect(linesOf("a\nincomprehensible", fits)).toEqual(["a", "incompre", "hensible"]);
  });
});

describe("a payee's legal details", () => {
  const PERIODS = ["2023-09", "2023-10", "2023-11"];
  const terms = { name: "Lin", country: "JP", default_currency: "USD" };
  const wrong = { name: "山田 太朗", address: "東京都千代田区1-1\n日本", tax_id: "T1" };
  const right = { ...wrong, name: "山田 太郎" };
  let api: TestApi;
  let lin: Call;
  beforeAll(async () => {
    api = await startTestApi();
    await api.load(SMALL_CATALOG);
    lin = await api.keyFor({ role: "payee", payee: "lin" });
    await api.send(
      usageEvent({ id: "p1", time: "2023-09-03T00:00:00Z", metrics: { input_token_count: 1_000 } }),
    );
    for (const period of PERIODS)
      expect(await api.operator("POST", `/v1/settlements/${period}/close`)).toMatchObject({ status: 200 });
  });
  afterAll(() => api?.stop());

  const pdf = async (period: string) => {
    const path = `/v1/payees/lin/statements/${period}?currency=USD`;
    const answer = await lin("GET", path, undefined, { Accept: "application/pdf" });
    expect(answer.status).toBe(200);
    return answer.body as string;
  };
  const correct = (period: string, legal: object, call = api.operator) =>
    call("POST", "/v1/payees/lin/legal-corrections", { period, legal, reason: "a typo" });
  const put = (legal: object) => api.operator("PUT", "/v1/payees/lin", { ...terms, legal });

  test("that were given first after a close stand on its documents, in their own letters", async () => {
    expectProblem(await correct("2023-10", right), 404, "not_found");
    const latin = await pdf("2023-10");
    expect(latin.includes("NotoSans-jp")).toBe(false);
    expect(await put(wrong)).toMatchObject({ status: 200, body: { not_printed: null } });
    const bytes = await pdf("2023-10");
    expect(bytes.includes("NotoSans-jp")).toBe(true);
    expect((await lin("GET", "/v1/payees/lin")).body).toMatchObject({ legal: wrong, not_printed: null });
  });

  test("that were wrong on closed documents are mended by an operator with a reason; the documents say so, and once only", async () => {
    expect(await put(right)).toMatchObject({ status: 200 });
    const before = await pdf("2023-10");
    expectProblem(await correct("2023-10", wrong), 409, "nothing_to_correct");
    expectProblem(await correct("2023-12", right), 409, "period_not_closed");
    expectProblem(await correct("2023-10", right, lin), 403, "role_not_allowed");
    const made = await correct("2023-10", right);
    expect(made).toMatchObject({
      status: 201,
      body: { periods: PERIODS, before: wrong, legal: right, reason: "a typo", not_printed: null },
    });
    const corrected = await pdf("2023-10");
    expect(corrected === before).toBe(false);
    expect((await correct("2023-11", right)).body).toEqual(made.body);
    expect((await pdf("2023-10")) === corrected).toBe(true);
    const { body } = await lin("GET", "/v1/payees/lin/legal-corrections");
    const { not_printed: _, ...correction } = made.body as Record<string, unknown>;
    expect(body).toEqual({ data: [correction] });
    const [entry] = await api.sql`
      SELECT after->'before'->>'name' AS before, after->'legal'->>'name' AS after, asked->>'reason' AS reason FROM audit_entry
      WHERE target = '/v1/payees/lin/legal-corrections' AND code IS NULL ORDER BY entry_no LIMIT 1`;
    expect(entry).toEqual({ before: wrong.name, after: right.name, reason: "a typo" });
    await expect(api.sql`UPDATE payee_legal SET name = 'x'`).rejects.toThrow("append-only");
  });

  test("that change later are not a correction: what was closed before stays", async () => {
    const before = await pdf("2023-11");
    const moved = { ...right, address: "大阪市北区1-1\n日本" };
    expect(await put(moved)).toMatchObject({ status: 200 });
    expect((await pdf("2023-11")) === before).toBe(true);
    expect(await api.operator("POST", "/v1/settlements/2023-12/close")).toMatchObject({ status: 200 });
    const typo = { ...moved, address: "大阪市北区1-2\n日本" };
    expect((await correct("2023-12", typo)).body).toMatchObject({ periods: ["2023-12"], before: moved });
    expect((await pdf("2023-11")) === before).toBe(true);
    expect((await lin("GET", "/v1/payees/lin")).body).toMatchObject({ legal: typo });
  });

  test("with letters that no font has are taken, and it is said which they are and what to do", async () => {
    const legal = { ...right, name: `Jawa ${OF_NO_FONT}` };
    const not_printed = {
      letters: [...OF_NO_FONT].sort(),
      message: expect.stringContaining("Latin letters"),
    };
    expect((await put(legal)).body).toMatchObject({ not_printed });
    expect((await lin("GET", "/v1/payees/lin")).body).toMatchObject({ not_printed });
    const imported = await api.operator("POST", "/v1/catalog/import", {
      payees: [
        { id: "jawa", ...terms, legal },
        { id: "plain", ...terms, legal: right },
      ],
    });
    expect(imported.body).toMatchObject({ not_printed: [{ payee: "jawa", letters: not_printed.letters }] });
  });
});
