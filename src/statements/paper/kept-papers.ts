import { createHash } from "node:crypto";
import { Kept } from "./kept.ts";
import type { Party, StatementDocument } from "./statement-document.ts";

/** Of all papers of this process together. */
const BYTES_MAX = 32 * 1024 * 1024;

const papers = new Kept<Buffer>(BYTES_MAX);

/**
 * The paper that is made of these documents: the same bytes as before where the same documents were asked for before. A statement
 * never changes, and everything else that its paper shows is a part of the name under which it is kept.
 */
export async function keptPaper(
  type: string,
  documents: readonly StatementDocument<{ hash: string }>[],
  platform: Party,
  make: () => Promise<Buffer> | Buffer,
): Promise<Buffer> {
  const name = nameOf(type, documents, platform);
  const known = papers.get(name);
  if (known !== undefined) return known;
  const bytes = await make();
  papers.keep(name, bytes);
  return bytes;
}

function nameOf(
  type: string,
  documents: readonly StatementDocument<{ hash: string }>[],
  platform: Party,
): string {
  const shown = documents.map(({ statement, ...rest }) => [statement.hash, rest]);
  return createHash("sha256")
    .update(JSON.stringify([type, shown, platform]))
    .digest("base64");
}
