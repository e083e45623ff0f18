import type { Stage } from "../harness/stage.ts";

export interface DeadLetter {
  id: string;
  reason: string;
  message: string;
  partition: number;
  offset: string;
  index: number;
  raw: Buffer;
  replayed: boolean;
}

interface Page {
  data: {
    id: string;
    reason: string;
    message: string;
    partition: number;
    offset: string;
    index: number;
    raw_base64: string;
    created_at: string;
    replayed_at: string | null;
  }[];
  next_cursor: string | null;
}

/** As the API lists them, all pages, oldest first; those after `after`. */
export async function deadLettersAfter(stage: Stage, after: string): Promise<DeadLetter[]> {
  const found: DeadLetter[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query = cursor === "" ? "" : `&cursor=${cursor}`;
    const page: Page = await stage.call("GET", `/dead-letters?limit=50${query}`);
    for (const { raw_base64, replayed_at, created_at: _, ...letter } of page.data) {
      if (BigInt(letter.id) <= BigInt(after)) return found.reverse();
      found.push({ ...letter, raw: Buffer.from(raw_base64, "base64"), replayed: replayed_at !== null });
    }
    cursor = page.next_cursor;
  }
  return found.reverse();
}

/** "0" when there is none yet. */
export async function newestDeadLetter(stage: Stage): Promise<string> {
  const { data } = await stage.call<Page>("GET", "/dead-letters?limit=1");
  return data[0]?.id ?? "0";
}
