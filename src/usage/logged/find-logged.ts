import type { Instant } from "../../kernel/index.ts";
import { acceptedTimes } from "../usage-event.ts";
import type { EventNames } from "./event-names.ts";
import { LoggedEventReader } from "./read-logged.ts";

/** Events that may go into the log byte for byte. */
export interface LoggedEvents {
  count: number;
  firstId: string;
}

/** Then the reader is made anew: whoever invents names fills no memory. */
const NAMES_MAX = 10_000;
const [COMMA, OPEN, CLOSE] = [0x2c, 0x5b, 0x5d];

/** At the door names have no meaning; only whether the source is allowed is asked. */
class DoorNames implements EventNames {
  readonly sources: string[] = [];
  count = 0;

  sourceNumber(source: string): number {
    this.count++;
    return this.sources.push(source) - 1;
  }

  customerNumber(): number {
    this.count++;
    return 0;
  }

  subjectNumber(): number {
    this.count++;
    return 0;
  }

  hardwareNumber(): number {
    this.count++;
    return 1;
  }

  customerFingerprint(): Uint8Array {
    throw new Error("nothing is hashed at the door");
  }

  subjectFingerprint(): Uint8Array {
    throw new Error("nothing is hashed at the door");
  }
}

let names = new DoorNames();
let reader = new LoggedEventReader(names);

/**
 * Looks whether a body is an event, or an array of them, that stand there exactly as the log has them, each of them good. Null
 * when one of them does not, or is not: then the general way says what is wrong with which.
 */
export function findLogged(
  body: Buffer,
  isBatch: boolean,
  countMax: number,
  receivedAt: Instant,
  sources: readonly string[] | undefined,
  horizonDays: number | undefined,
): LoggedEvents | null {
  if (names.count > NAMES_MAX) {
    names = new DoorNames();
    reader = new LoggedEventReader(names);
  }
  const [from, until] = acceptedTimes(receivedAt, horizonDays);
  const isGood = () => sources === undefined || sources.includes(names.sources[reader.source] ?? "");
  if (!isBatch)
    return reader.read(body, 0, from, until) === body.length && isGood()
      ? { count: 1, firstId: reader.id }
      : null;
  if (body[0] !== OPEN) return null;
  let firstId = "";
  for (let at = 1, count = 1; count <= countMax; at++, count++) {
    at = reader.read(body, at, from, until);
    if (at < 0 || !isGood()) return null;
    if (count === 1) firstId = reader.id;
    if (body[at] === CLOSE) return at + 1 === body.length ? { count, firstId } : null;
    if (body[at] !== COMMA) return null;
  }
  return null;
}
