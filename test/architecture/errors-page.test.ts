import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { REFUSALS } from "../../src/kernel/index.ts";

test("docs/errors.md tells of every code, with its status, in the order of the list", () => {
  const page = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\d+) \| \S.* \| \S.* \|$/gm)];
  expect(rows.map(([, code, status]) => [code, Number(status)])).toEqual(Object.entries(REFUSALS));
});
