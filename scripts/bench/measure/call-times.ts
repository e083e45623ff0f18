import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
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
 * The same call again and again, one after the other, with a key. What comes is counted and let go: `fetch` keeps megabytes for each
 * answer, and collecting them here took longer than they took to come.
 * @throws Error when it is refused
 */
export async function timeCall(
  url: string,
  key: string,
  call: string,
  { accept, count }: { accept: string; count: number },
): Promise<CallTimes> {
  const agent = new Agent({ keepAlive: true });
  const headers = { authorization: `Bearer ${key}`, accept };
  const taken: number[] = [];
  let bytes = 0;
  while (taken.length <= count) {
    const begun = performance.now();
    const response = await new Promise<IncomingMessage>((resolve, reject) =>
      get(url + call, { agent, headers }, resolve).on("error", reject),
    );
    bytes = await bytesOf(response, call === LIVE);
    taken.push(performance.now() - begun);
    // Nobody is signed in by a key: the session's own question has no answer here.
    if (response.statusCode !== 200 && !call.startsWith("/v1/sessions/"))
      throw new Error(`${call}: ${response.statusCode}`);
  }
  agent.destroy();
  const [firstMs = 0, ...rest] = taken;
  return { bytes, firstMs, ms: percentiles(rest) };
}

/** All of them, or those until the end of the first event of a stream. */
async function bytesOf(response: IncomingMessage, firstEvent: boolean): Promise<number> {
  let bytes = 0;
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (firstEvent && chunk.toString("latin1").endsWith("\n\n")) response.destroy();
  });
  await once(response, "close");
  return bytes;
}
