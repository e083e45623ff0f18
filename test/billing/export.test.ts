import { expect, test } from "vitest";
import { csv } from "../../src/kernel/index.ts";

test.each([
  ["=1+1", "'=1+1"],
  ["@SUM(A1)", "'@SUM(A1)"],
  ["+49", "'+49"],
  ["＝1+1", "'＝1+1"],
  ["＠SUM(A1)", "'＠SUM(A1)"],
  ["-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"],
  ["\t=1", "'\t=1"],
  ["-12.50", "-12.50"],
  ['a "b", c', '"a ""b"", c"'],
  ["two\r\nlines", '"two\r\nlines"'],
])("in CSV, %j is %j: nothing is run by a spreadsheet, and numbers stay numbers", (text, field) => {
  expect(csv([[text, "1"]])).toBe(`${field},1\r\n`);
});
