import { type Percentiles, percentiles } from "./percentiles.ts";

export interface CallTimes {
  bytes: number;
  /** After a start of the service. */
  firstMs: number;
  ms: Percentiles;
}

/** The stream of live figures: its time is until the first of them is there. */
export const LIVE = "/v1/live";

/**
 * The same call again and again, one after the other, with a key.
 * @throws Error when it is refused
 */
export async function timeCall(
  url: string,
  key: string,
  call: string,
  { accept, count }: { accept: string; count: number },
): Promise<CallTimes> {
  const headers = { authorization: `Bearer ${key}`, accept };
  const taken: number[] = [];
  let bytes = 0;
  while (taken.length <= count) {
    const stop = new AbortController();
    const begun = performance.now();
    const response = await fetch(url + call, { headers, signal: stop.signal });
    bytes = call === LIVE ? await firstBytes(response) : (await response.arrayBuffer()).byteLength;
    taken.push(performance.now() - begun);
    stop.abort();
    // Nobody is signed in by a key: the session's own question has no answer here.
    if (!response.ok && !call.startsWith("/v1/sessions/")) throw new Error(`${call}: ${response.status}`);
  }
  const [firstMs = 0, ...rest] = taken;
  return { bytes, firstMs, ms: percentiles(rest) };
}

/** Until the end of the first event of a stream. */
async function firstBytes(response: Response): Promise<number> {
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (Buffer.from(chunk).toString("latin1").endsWith("\n\n")) break;
  }
  return bytes;
}
