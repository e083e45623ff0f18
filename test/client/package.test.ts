import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

// In somebody else's project, far from this one.
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tributary-consumer-"));
  await run(process.execPath, [join(ROOT, "scripts/client.ts"), "--out", join(folder, "package")]);
  await mkdir(join(folder, "node_modules"));
  await symlink(join(folder, "package"), join(folder, "node_modules/tributary-client"));
});
afterAll(() => rm(folder, { recursive: true }));

const PROGRAM = `
import { ApiClient, ApiError, UsageClient, type Schema } from "tributary-client";
const balances = (client: ApiClient): Promise<Schema<"Balance">[]> =>
  client.call("get /v1/payees/{id}/balances", { path: { id: "ada" } });
const client = new ApiClient({ url: "http://127.0.0.1:1", key: "k", attemptsMax: 1 });
const error: unknown = await balances(client).catch((error: unknown) => error);
console.log(typeof UsageClient, error instanceof ApiError && error.code);
`;

test("the package is what it needs to be, and no more", async () => {
  const entries = await readdir(join(folder, "package"), { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const kinds = new Set(names.map((name) => name.replace(/^[^.]+/, "")));
  expect([...kinds].sort()).toEqual([".d.ts", ".js", ".json", ".md"]);
  expect(names).toEqual(expect.arrayContaining(["index.js", "index.d.ts", "package.json", "README.md"]));
});

test("another program compiles against it, and runs with it", async () => {
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await writeFile(join(folder, "program.ts"), PROGRAM);
  const types = ["--types", "node", "--typeRoots", join(ROOT, "node_modules/@types")];
  const options = ["--strict", "--module", "nodenext", "--target", "es2023", "--noEmit", ...types];
  await run(join(ROOT, "node_modules/.bin/tsc"), [...options, "program.ts"], { cwd: folder }).catch(
    ({ stdout }) => expect(stdout).toBe(""),
  );
  const { stdout } = await run(process.execPath, ["program.ts"], { cwd: folder });
  expect(stdout.trim()).toBe("function unreachable");
});
