import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { API_TYPES, writeApiTypes } from "./dashboard/write-api-types.ts";

const ROOT = join(import.meta.dirname, "..");
const SOURCE = join(ROOT, "src/client");
const SECRETS = join(ROOT, "src/secrets");
/** The files that take something from beyond the client, which the package carries: the API's types, and how secrets are known. */
const BEYOND = {
  "api-operations.ts": ["../../dist/api/api-types.ts", "./api-types.ts"],
  "without-secrets.ts": ["../secrets/index.ts", "./secrets/index.ts"],
} as const;
const COMPILER = {
  target: "es2023",
  lib: ["es2024"],
  module: "nodenext",
  types: ["node"],
  typeRoots: [join(ROOT, "node_modules/@types")],
  strict: true,
  exactOptionalPropertyTypes: true,
  declaration: true,
  rewriteRelativeImportExtensions: true,
  verbatimModuleSyntax: true,
  skipLibCheck: true,
};

/** Makes an npm package of src/client in dist/client, or in --out: JavaScript, types, nothing to install beside it. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { out: { type: "string", default: join(ROOT, "dist/client") } },
  });
  const { out } = values;
  await writeApiTypes();
  const staged = await mkdtemp(join(tmpdir(), "tributary-client-"));
  try {
    await stage(staged);
    await rm(out, { recursive: true, force: true });
    await mkdir(out, { recursive: true });
    await compile(staged, out);
  } finally {
    await rm(staged, { recursive: true });
  }
  await cp(join(SOURCE, "README.md"), join(out, "README.md"));
  await writeFile(join(out, "package.json"), `${JSON.stringify(await manifest(), null, 2)}\n`);
  console.log(`The client is in ${out}: npm pack, or npm publish, there.`);
}

async function stage(folder: string): Promise<void> {
  await cp(SOURCE, folder, { recursive: true });
  await cp(API_TYPES, join(folder, "api-types.ts"));
  await cp(SECRETS, join(folder, "secrets"), { recursive: true });
  for (const [name, [before, after]] of Object.entries(BEYOND)) {
    const text = await readFile(join(folder, name), "utf8");
    const within = text.replace(before, after);
    if (within === text) throw new Error(`${name} does not import ${before} any more: mend this script`);
    await writeFile(join(folder, name), within);
  }
}

async function compile(folder: string, out: string): Promise<void> {
  const settings = { compilerOptions: { ...COMPILER, rootDir: folder, outDir: out }, include: ["*.ts"] };
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(settings));
  const compiler = join(ROOT, "node_modules/.bin/tsc");
  await promisify(execFile)(compiler, ["-p", folder]).catch((error: { stdout?: string }) => {
    throw new Error(`the client does not compile: ${error.stdout}`, { cause: error });
  });
}

async function manifest() {
  const { version, license, engines } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  return {
    name: "tributary-client",
    version,
    description: "Sends usage to Tributary exactly once, and calls its API in types.",
    license,
    type: "module",
    engines: { ...engines, node: ">=22" },
    exports: { ".": { types: "./index.d.ts", default: "./index.js" } },
    sideEffects: false,
  };
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
