import { usageGenerator } from "./events.ts";

const VARIANTS = 8;
/** Of an event's 26 letters the last eight name the request, so that no id comes twice. */
const ID_LETTERS = 26;
const NUMBER_LETTERS = 8;
const BEFORE_ID = '{"specversion":"1.0","id":"';

export interface EventRequests {
  /** The next request, whole; the buffer is written anew when its turn comes again, `VARIANTS` requests later. */
  next(): Buffer;
}

interface Template {
  bytes: Buffer;
  /** Where each event's number is to be written. */
  numbersAt: number[];
}

/**
 * Ready-made POST /v1/events requests for one connection, with `events` realistic events each and ids of their own:
 * only the letters that number a request are written for each.
 */
export function eventRequests(url: string, key: string, events: number, seed: number): EventRequests {
  const usage = usageGenerator(seed, VARIANTS * events);
  const templates = Array.from({ length: VARIANTS }, () =>
    template(url, key, usage.batch(events).json, events),
  );
  let sent = 0;
  return {
    next() {
      const { bytes, numbersAt } = templates[sent % VARIANTS] as Template;
      const number = lettersOf(sent);
      for (const at of numbersAt) bytes.write(number, at, "latin1");
      sent += 1;
      return bytes;
    },
  };
}

function template(url: string, key: string, body: string, events: number): Template {
  const type = events === 1 ? "application/cloudevents+json" : "application/cloudevents-batch+json";
  const head = [
    "POST /v1/events HTTP/1.1",
    `Host: ${new URL(url).host}`,
    `Authorization: Bearer ${key}`,
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "",
    "",
  ].join("\r\n");
  const bytes = Buffer.from(head + body);
  const numbersAt: number[] = [];
  for (let at = bytes.indexOf(BEFORE_ID); at >= 0; at = bytes.indexOf(BEFORE_ID, at + 1))
    numbersAt.push(at + BEFORE_ID.length + ID_LETTERS - NUMBER_LETTERS);
  return { bytes, numbersAt };
}

function lettersOf(number: number): string {
  return number
    .toString(26)
    .padStart(NUMBER_LETTERS, "0")
    .replace(/[0-9]/g, (digit) => String.fromCharCode(113 + Number(digit)));
}
