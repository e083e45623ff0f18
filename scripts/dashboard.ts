import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const ROOT = join(import.meta.dirname, "..");
const PAGE = join(ROOT, "src/dashboard");
const BUILT = join(ROOT, "dist/dashboard");

/**
 * Builds the dashboard into dist/, where the service finds it; `npm ci` runs it. --types writes only the types that the
 * page and the client take from the OpenAPI document.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { types: { type: "boolean", default: false } } });
  if (!existsSync(join(PAGE, "index.html"))) {
    console.log("No src/dashboard here: the dashboard is not built.");
    return;
  }
  if (!existsSync(join(ROOT, "node_modules/vite"))) {
    console.log("Only what runs is installed: the dashboard is not built. For it, install all: npm ci");
    return;
  }
  const { writeApiTypes } = await import("./dashboard/write-api-types.ts");
  await writeApiTypes();
  if (values.types) return;
  const { build } = await import("vite");
  const { default: react } = await import("@vitejs/plugin-react");
  await build({
    root: PAGE,
    base: "/dashboard/",
    configFile: false,
    logLevel: "warn",
    plugins: [react()],
    build: {
      outDir: BUILT,
      emptyOutDir: true,
      target: "es2022",
      // Nothing inline: the page's policy lets only files of its own run.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 600,
      manifest: "manifest.json",
    },
  });
  const { compressAll } = await import("./dashboard/compress.ts");
  await compressAll(BUILT);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
