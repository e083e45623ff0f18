import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

// These numbers may only be tightened.
const LINES_MAX = 300;
const FILES_PER_FOLDER_MAX = 15;
const DEPTH_MAX = 3;

const ROOT = resolve(import.meta.dirname, "../..");
const FOLDERS = ["src", "scripts", "stripe-simulator", "test"];
const NO_SUBJECT = ["utils", "util", "helpers", "helper", "common", "shared", "misc", "lib"];

interface Folder {
  path: string;
  files: string[];
}

function foldersUnder(path: string): Folder[] {
  const entries = readdirSync(join(ROOT, path), { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  const below = entries
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => foldersUnder(`${path}/${entry.name}`));
  return [{ path, files }, ...below];
}

const folders = FOLDERS.flatMap(foldersUnder);
const sources = folders.flatMap(({ path, files }) =>
  files.filter((name) => /\.tsx?$/.test(name)).map((name) => `${path}/${name}`),
);

/** How often a pattern stands in the product's code, by file. */
function holding(pattern: RegExp): string[] {
  const product = sources.filter((path) => !path.startsWith("test/"));
  return product.filter((path) => pattern.test(readFileSync(join(ROOT, path), "utf8")));
}

test("no file is longer than a person reads in one go", () => {
  const long = sources
    .filter((path) => !path.startsWith("test/"))
    .map((path) => ({ path, lines: readFileSync(join(ROOT, path), "utf8").trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > LINES_MAX);
  expect(long).toEqual([]);
});

test("no folder holds more files than a person can oversee", () => {
  const crowded = folders.filter(({ files }) => files.length > FILES_PER_FOLDER_MAX);
  expect(crowded.map(({ path, files }) => `${path}: ${files.length}`)).toEqual([]);
});

test("no folder is deeper than three levels", () => {
  expect(folders.filter(({ path }) => path.split("/").length > DEPTH_MAX).map(({ path }) => path)).toEqual(
    [],
  );
});

test("every folder is named for its subject", () => {
  const named = folders.filter(({ path }) => NO_SUBJECT.includes(path.split("/").at(-1) ?? ""));
  expect(named.map(({ path }) => path)).toEqual([]);
});

test("file names are lower case with dashes", () => {
  const names = sources.filter(
    (path) => !/^[a-z0-9-]+(\.(test|contract|config))?\.tsx?$/.test(path.split("/").at(-1) ?? ""),
  );
  expect(names).toEqual([]);
});

test.each([
  ["a default export", /^export default /m],
  ["everything of a module, unnamed", /^export \* /m],
  ["an enum or a namespace", /^(export )?(const )?(enum|namespace) /m],
  ["a switched-off check", /@ts-ignore|@ts-expect-error|biome-ignore/],
  ["an unfinished thought", /\b(TODO|FIXME|XXX|HACK)\b/],
])("no file of the product has %s", (_, pattern) => {
  expect(holding(pattern)).toEqual([]);
});
