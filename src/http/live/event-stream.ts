import type { ServerResponse } from "node:http";
import type { LiveFigures } from "./live-feed.ts";

export const EVENTS = "text/event-stream";
/** Shorter than what proxies take for dead. Each time the key is looked at again: a revoked one hears nothing more. */
const BEAT_EVERY_MS = 15_000;
/** Then a client connects anew: no stream stands for ever behind a page that nobody looks at. */
const STREAM_MS_MAX = 15 * 60_000;
const UNREAD_BYTES_MAX = 262_144;

export interface EventStream {
  /** Does nothing when the stream is over. */
  send(figures: LiveFigures): void;
  finish(): void;
}

/**
 * Answers with server-sent events, until `finish`, fifteen minutes, or until its reader goes or does not read. Then `onOver` is called, once.
 * Once over it says nothing more, whether its reader reads or not: writing after the end would be an error of the process.
 */
export function openStream(
  response: ServerResponse,
  stillAllowed: () => Promise<unknown>,
  onOver: () => void,
): EventStream {
  response.statusCode = 200;
  response.setHeader("Content-Type", EVENTS);
  response.setHeader("Cache-Control", "no-store");
  response.setHeader("X-Accel-Buffering", "no");
  let over = false;
  const finish = () => {
    if (over) return;
    over = true;
    clearInterval(beat);
    clearTimeout(enough);
    onOver();
    response.end();
  };
  const write = (text: string) => {
    if (over) return;
    // Who does not read, a page that sleeps, connects anew when it wakes; what it missed is not kept for it.
    if (response.writableLength > UNREAD_BYTES_MAX) response.destroy();
    else response.write(text);
  };
  const beat = setInterval(() => {
    stillAllowed().then(() => write(": still here\n\n"), finish);
  }, BEAT_EVERY_MS);
  const enough = setTimeout(finish, STREAM_MS_MAX);
  response.on("close", finish);
  response.on("error", finish);
  return { send: (figures) => write(`event: figures\ndata: ${JSON.stringify(figures)}\n\n`), finish };
}
