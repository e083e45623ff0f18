import { createHash } from "node:crypto";
import type { Party, StatementDocument } from "./statement-document.ts";

/** Of all papers of this process together. */
const BYTES_MAX = 32 * 1024 * 1024;

/** What was asked for longest ago goes first. */
const kept = new Map<string, Buffer>();
let keptBytes = 0;

/**
 * The paper that is made of these documents: the same bytes as before where the same documents were asked for before. A statement
 * never changes, and everything else that its paper shows is a part of the name under which it is kept.
 */
export async function keptPaper(
  type: string,
  documents: readonly StatementDocument[],
  platform: Party,
  make: () => Promise<Buffer> | Buffer,
): Promise<Buffer> {
  const name = nameOf(type, documents, platform);
  const known = kept.get(name);
  if (known !== undefined) {
    kept.delete(name);
    kept.set(name, known);
    return known;
  }
  const bytes = await make();
  if (!kept.has(name)) {
    kept.set(name, bytes);
    keptBytes += bytes.byteLength;
  }
  forgetOldest();
  return bytes;
}

function nameOf(type: string, documents: readonly StatementDocument[], platform: Party): string {
  const shown = documents.map(({ statement, ...rest }) => [statement.hash, rest]);
  return createHash("sha256")
    .update(JSON.stringify([type, shown, platform]))
    .digest("base64");
}

function forgetOldest(): void {
  for (const [name, bytes] of kept) {
    if (keptBytes <= BYTES_MAX) return;
    kept.delete(name);
    keptBytes -= bytes.byteLength;
  }
}
