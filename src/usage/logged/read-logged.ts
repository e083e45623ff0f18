import { USAGE_STATUSES } from "../../pricing/index.ts";
import {
  CUSTOMER_PATTERN,
  HARDWARE_LENGTH_MAX,
  ID_LENGTH_MAX,
  MODEL_PATTERN,
  SOURCE_LENGTH_MAX,
  VERSION_LENGTH_MAX,
} from "../cloud-event.ts";
import { COLUMN_METERS, CONTENT_BYTES, UNMETERED, writeContent } from "../identity.ts";
import { hardwareName } from "../logged-event.ts";
import { plainMicros } from "../read-time.ts";
import { toQuantity } from "../to-quantity.ts";
import type { DigestColumn, Digests } from "./digests.ts";
import { type EventNames, NO_HARDWARE } from "./event-names.ts";
import { HASH_SEED, KnownTexts } from "./known-texts.ts";
import {
  BEFORE_HARDWARE,
  BEFORE_ID,
  BEFORE_METRICS,
  BEFORE_MODEL,
  BEFORE_PARENT,
  BEFORE_SOURCE,
  BEFORE_STATUS,
  BEFORE_SUBJECT,
  BEFORE_TIME,
  BEFORE_VERSION,
  bytesOf,
  isDigit,
  METRICS,
} from "./layout.ts";

const SECONDS = COLUMN_METERS.indexOf("predict_seconds");

const [QUOTE, COMMA, POINT, ZERO, COLON, CLOSE] = [0x22, 0x2c, 0x2e, 0x30, 0x3a, 0x7d];
/** Whatever fits is a whole number that a double holds exactly, and is also its shortest decimal text. */
const DIGITS_MAX = 15;
const MICROS_DIGITS = 6;
const POWERS = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

/**
 * Reads events from the bytes of the log when they stand there exactly as the door writes them (loggedEvent): in that order, without
 * spaces, escapes or letters beyond ASCII, with usual times and metrics. It answers nothing for all else, also for what is wrong, and
 * the general way decides: what it does answer is what readUsageEvent() would (test/properties/logged-events.test.ts).
 */
export class LoggedEventReader {
  /** Of the event that was read last. */
  source = 0;
  customer = 0;
  subject = 0;
  occurredAt = 0;
  parent: string | null = null;
  hardware = NO_HARDWARE;
  /** By COLUMN_METERS. */
  readonly quantities = new Float64Array(COLUMN_METERS.length);

  readonly #names: EventNames;
  readonly #sources = new KnownTexts();
  readonly #customers = new KnownTexts();
  readonly #subjects = new KnownTexts();
  readonly #hardware = new KnownTexts();
  /** By source: the part of the text that its identities begin with. */
  readonly #identityHeads: Uint8Array[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #idFrom = 0;
  #idTo = 0;
  #hash = 0; // Of the text that was scanned last.
  #number = 0;

  constructor(names: EventNames) {
    this.#names = names;
  }

  /** Where the event at `from` ends, once it is read; -1 when another must read it. */
  read(bytes: Buffer, from: number, occurredFrom: number, occurredUntil: number): number {
    this.#bytes = bytes;
    const idFrom = this.#passed(BEFORE_ID, from);
    const idTo = this.#endOfText(idFrom, ID_LENGTH_MAX);
    const sourceFrom = this.#passed(BEFORE_SOURCE, idTo);
    const sourceTo = this.#endOfText(sourceFrom, SOURCE_LENGTH_MAX);
    if (sourceTo < 0) return -1;
    this.source = this.#numberOfSource(sourceFrom, sourceTo);
    const timeFrom = this.#passed(BEFORE_TIME, sourceTo);
    const timeTo = this.#endOfText(timeFrom, ID_LENGTH_MAX);
    const customerFrom = this.#passed(BEFORE_SUBJECT, timeTo);
    const customerTo = this.#endOfText(customerFrom, ID_LENGTH_MAX);
    if (customerTo < 0) return -1;
    this.customer = this.#numberOfCustomer(customerFrom, customerTo);
    const statusTo = this.#readSubject(this.#passed(BEFORE_MODEL, customerTo));
    const metricsTo = this.#readMetrics(this.#passed(BEFORE_METRICS, statusTo));
    const end = this.#readHardware(this.#readParent(metricsTo));
    if (end < 0 || this.customer < 0 || this.subject < 0) return -1;
    this.occurredAt = plainMicros(bytes, timeFrom, timeTo);
    if (!(this.occurredAt >= occurredFrom && this.occurredAt <= occurredUntil)) return -1;
    this.#idFrom = idFrom;
    this.#idTo = idTo;
    return end;
  }

  /** Of the event that was read last, while its bytes are there. */
  get id(): string {
    return this.#bytes.toString("latin1", this.#idFrom, this.#idTo);
  }

  /** Its id, to whoever keeps it without making a text of it. It has no escapes, and ASCII alone. */
  addId(ids: { addPlain(bytes: Uint8Array, from: number, to: number): void }): void {
    ids.addPlain(this.#bytes, this.#idFrom, this.#idTo);
  }

  /** The digest's first 128 bits are the identity. */
  addIdentity(digests: Digests, column: DigestColumn, row: number): void {
    const head = this.#identityHeads[this.source] as Uint8Array;
    const message = digests.bytes;
    let to = digests.at;
    for (let n = 0; n < head.length; n++) message[to++] = head[n] as number;
    const length = this.#idTo - this.#idFrom;
    if (length > 99) message[to++] = ZERO + Math.floor(length / 100);
    if (length > 9) message[to++] = ZERO + (Math.floor(length / 10) % 10);
    message[to++] = ZERO + (length % 10);
    message[to++] = COLON;
    for (let at = this.#idFrom; at < this.#idTo; at++) message[to++] = this.#bytes[at] as number;
    digests.add(to - digests.at, column, row);
  }

  /** The digest's first 64 bits are the content. */
  addContent(digests: Digests, column: DigestColumn, row: number): void {
    const customer = this.#names.customerFingerprint(this.customer);
    const subject = this.#names.subjectFingerprint(this.subject);
    writeContent(digests.bytes, digests.at, customer, subject, this.occurredAt, this.quantities);
    digests.add(CONTENT_BYTES, column, row);
  }

  /** The end of these bytes, when they stand at `at`. */
  #passed(expected: Uint8Array, at: number): number {
    if (at < 0) return -1;
    const bytes = this.#bytes;
    for (let n = 0; n < expected.length; n++) if (bytes[at + n] !== expected[n]) return -1;
    return at + expected.length;
  }

  /** The quote that ends a text of printable ASCII without escapes, which has one character at least. */
  #endOfText(from: number, lengthMax: number): number {
    if (from < 0) return -1;
    const bytes = this.#bytes;
    let hash = HASH_SEED;
    for (let at = from, end = from + lengthMax; at <= end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === QUOTE) {
        this.#hash = hash ^ (hash >>> 15);
        return at === from ? -1 : at;
      }
      if (byte < 0x20 || byte > 0x7e || byte === 0x5c) return -1;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    return -1;
  }

  #numberOfSource(from: number, to: number): number {
    const hash = this.#hash;
    const known = this.#sources.find(this.#bytes, from, to, hash);
    if (known >= 0) return known;
    const source = this.#bytes.toString("latin1", from, to);
    const number = this.#names.sourceNumber(source);
    this.#identityHeads[number] = bytesOf(`${source.length}:${source}`);
    this.#sources.keep(this.#bytes, from, to, hash, number);
    return number;
  }

  #numberOfCustomer(from: number, to: number): number {
    const hash = this.#hash;
    const known = this.#customers.find(this.#bytes, from, to, hash);
    if (known >= 0) return known;
    const customer = this.#bytes.toString("latin1", from, to);
    if (!CUSTOMER_PATTERN.test(customer)) return -1;
    const number = this.#names.customerNumber(customer);
    this.#customers.keep(this.#bytes, from, to, hash, number);
    return number;
  }

  /** Model, version and status stand together: they are known by all their bytes, with what is between. */
  #readSubject(from: number): number {
    const modelTo = this.#endOfText(from, 2 * ID_LENGTH_MAX);
    let hash = this.#hash;
    const versionFrom = this.#passed(BEFORE_VERSION, modelTo);
    let statusFrom = versionFrom;
    let versionTo = -1;
    if (versionFrom < 0) {
      statusFrom = this.#passed(BEFORE_STATUS, modelTo);
    } else {
      versionTo = this.#endOfText(versionFrom, VERSION_LENGTH_MAX);
      hash = Math.imul(hash, 31) ^ this.#hash;
      statusFrom = this.#passed(BEFORE_STATUS, versionTo);
    }
    const statusTo = this.#endOfText(statusFrom, ID_LENGTH_MAX);
    if (statusTo < 0) return -1;
    hash = Math.imul(hash, 31) ^ this.#hash;
    const known = this.#subjects.find(this.#bytes, from, statusTo, hash);
    if (known >= 0) {
      this.subject = known;
      return statusTo;
    }
    const model = this.#bytes.toString("latin1", from, modelTo);
    const version = versionTo < 0 ? "" : this.#bytes.toString("latin1", versionFrom, versionTo);
    const status = this.#bytes.toString("latin1", statusFrom, statusTo);
    if (!MODEL_PATTERN.test(model) || !(USAGE_STATUSES as readonly string[]).includes(status)) return -1;
    this.subject = this.#names.subjectNumber(model, version, status);
    this.#subjects.keep(this.#bytes, from, statusTo, hash, this.subject);
    return statusTo;
  }

  #readMetrics(from: number): number {
    const quantities = this.quantities.fill(UNMETERED);
    if (from < 0) return -1;
    if (this.#bytes[from] === CLOSE) return from + 1;
    for (let at = from; ; at++) {
      let meter = 0;
      let valueFrom = -1;
      for (; meter < METRICS.length && valueFrom < 0; meter++)
        valueFrom = this.#passed(METRICS[meter] as Uint8Array, at);
      meter--;
      // One that comes twice, or one with a rule of its own, is for others to judge.
      if (valueFrom < 0 || quantities[meter] !== UNMETERED) return -1;
      at = this.#readNumber(valueFrom, meter === SECONDS);
      if (at < 0) return -1;
      quantities[meter] = this.#number;
      const next = this.#bytes[at];
      if (next === CLOSE) return at + 1;
      if (next !== COMMA) return -1;
    }
  }

  /** A number without sign and exponent, as a quantity. Answers where it ends. */
  #readNumber(from: number, inMicros: boolean): number {
    const bytes = this.#bytes;
    let at = from;
    let value = 0;
    for (; isDigit(bytes[at]); at++) value = value * 10 + (bytes[at] as number) - ZERO;
    const digits = at - from;
    if (digits === 0 || (digits > 1 && bytes[from] === ZERO)) return -1;
    let decimals = 0;
    if (bytes[at] === POINT) {
      for (at++; isDigit(bytes[at]); at++, decimals++) value = value * 10 + (bytes[at] as number) - ZERO;
      if (decimals === 0) return -1;
    }
    const next = bytes[at];
    if (next !== COMMA && next !== CLOSE) return -1;
    if (decimals === 0 && !inMicros && digits <= DIGITS_MAX) {
      this.#number = value;
    } else if (inMicros && decimals <= MICROS_DIGITS && digits + MICROS_DIGITS <= DIGITS_MAX) {
      this.#number = value * (POWERS[MICROS_DIGITS - decimals] ?? 0);
    } else {
      const quantity = toQuantity(Number(bytes.toString("latin1", from, at)), inMicros ? MICROS_DIGITS : 0);
      if (quantity === undefined) return -1;
      this.#number = Number(quantity);
    }
    return at;
  }

  /** The data may name a parent after its metrics. Answers what follows. */
  #readParent(at: number): number {
    this.parent = null;
    const from = this.#bytes[at] === COMMA ? this.#passed(BEFORE_PARENT, at) : -1;
    if (from < 0) return at;
    const to = this.#endOfText(from, ID_LENGTH_MAX);
    if (to < 0) return -1;
    this.parent = this.#bytes.toString("latin1", from, to);
    return to + 1;
  }

  /** The end of the event: last, its data may say what it ran on. */
  #readHardware(from: number): number {
    let at = from;
    this.hardware = NO_HARDWARE;
    if (at < 0) return -1;
    if (this.#bytes[at] === COMMA) {
      const nameFrom = this.#passed(BEFORE_HARDWARE, at);
      const nameTo = this.#endOfText(nameFrom, HARDWARE_LENGTH_MAX);
      if (nameTo < 0) return -1;
      this.hardware = this.#numberOfHardware(nameFrom, nameTo);
      if (this.hardware === NO_HARDWARE) return -1;
      at = nameTo + 1;
    }
    return this.#bytes[at] === CLOSE && this.#bytes[at + 1] === CLOSE ? at + 2 : -1;
  }

  #numberOfHardware(from: number, to: number): number {
    const hash = this.#hash;
    const known = this.#hardware.find(this.#bytes, from, to, hash);
    if (known >= 0) return known;
    const name = hardwareName(this.#bytes.toString("latin1", from, to));
    if (name === null) return NO_HARDWARE;
    const number = this.#names.hardwareNumber(name);
    this.#hardware.keep(this.#bytes, from, to, hash, number);
    return number;
  }
}
