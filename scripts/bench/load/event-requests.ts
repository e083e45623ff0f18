import { usageGenerator } from "./events.ts";
import { seededRandom } from "./random.ts";

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
 * only the letters that number a request are written for each. With `payloadBytes` each event has an input and an output.
 */
export function eventRequests(
  url: string,
  key: string,
  events: number,
  seed: number,
  payloadBytes = 0,
): EventRequests {
  const usage = usageGenerator(seed, VARIANTS * events);
  const random = seededRandom(seed);
  const templates = Array.from({ length: VARIANTS }, () => {
    const { json } = usage.batch(events);
    return template(url, key, payloadBytes === 0 ? json : withPayloads(json, payloadBytes, random), events);
  });
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

const WORDS =
  "the of and a river to stone in light model answer under was token green it for early with cloud".split(
    " ",
  );
/** What every event ends with: its metrics, its data, itself. */
const END = "}}}";

/** Half of it a prompt, half of it the pieces of a stream, each of some words. */
function withPayloads(json: string, bytes: number, random: () => number): string {
  const words = (length: number) => {
    let text = "";
    while (text.length < length) text += `${WORDS[Math.floor(random() * WORDS.length)]} `;
    return text;
  };
  return json.replaceAll(END, () => {
    const pieces = Array.from({ length: Math.ceil(bytes / 80) }, () => words(32));
    const payload = { input: { prompt: words(bytes / 2) }, output: pieces };
    return `},${JSON.stringify(payload).slice(1)}}`;
  });
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
