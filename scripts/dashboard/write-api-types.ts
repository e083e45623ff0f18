import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { OPEN_ROUTES, openApiDocument, ROUTES, stripeWebhook } from "../../src/http/index.ts";
import { apiTypes } from "./api-types.ts";

/** Where the page and the client take them from: made anew at every install, build and type check, never committed. */
export const API_TYPES = join(import.meta.dirname, "../../dist/api/api-types.ts");

export async function writeApiTypes(): Promise<void> {
  const document = JSON.parse(JSON.stringify(openApiDocument(ROUTES, OPEN_ROUTES, stripeWebhook)));
  await mkdir(join(API_TYPES, ".."), { recursive: true });
  await writeFile(API_TYPES, apiTypes(document));
}
