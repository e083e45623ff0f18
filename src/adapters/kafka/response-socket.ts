import { connect, type Socket } from "node:net";
import type { ISocketFactory } from "kafkajs";
import { assert } from "../../kernel/index.ts";

const SCRATCH_BYTES = 64 * 1024;
const PREFIX_BYTES = 4;
/** Nothing that was asked for is larger. */
const RESPONSE_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Connections that give kafkajs each response in one piece. By itself it keeps what comes in pieces of 64 KiB and joins them when all are
 * there: every fetch, tens of megabytes, stood in memory twice, and touching new memory costs more than reading.
 */
export const responseSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  // Who adds it to kafkaClient() must not be answered with a connection in plain text.
  assert(!ssl, "connections to Kafka are made without TLS here");
  const responses = new ResponsePieces((bytes) => socket.emit("data", bytes));
  const onread = {
    buffer: () => responses.room,
    callback: (bytes: number) => {
      responses.filled(bytes);
      return true;
    },
  };
  const socket: Socket = connect({ host, port, onread }, onConnect);
  return socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
};

/** As kafkajs' own connections. */
const KEEP_ALIVE_AFTER_MS = 60_000;

/** Makes responses whole: each has its length before it, in four bytes. */
export class ResponsePieces {
  readonly #give: (bytes: Buffer) => void;
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  /** Begun and not whole; as long as it will be. */
  #response: Buffer | undefined;
  /** Of the response; without one, of the scratch: less than the length of a response. */
  #held = 0;

  /** @param give is told whole responses, one or more behind each other, in memory of their own */
  constructor(give: (bytes: Buffer) => void) {
    this.#give = give;
  }

  /** Where the next bytes are to be put. */
  get room(): Buffer {
    return (this.#response ?? this.#scratch).subarray(this.#held);
  }

  /** So many bytes were put there. */
  filled(bytes: number): void {
    this.#held += bytes;
    const response = this.#response;
    if (response === undefined) {
      this.#split(this.#scratch.subarray(0, this.#held));
    } else if (this.#held === response.length) {
      this.#begin(undefined, 0);
      this.#give(response);
    }
  }

  #split(bytes: Buffer): void {
    let from = 0;
    let length = lengthAt(bytes, from);
    while (from + length <= bytes.length) {
      from += length;
      length = lengthAt(bytes, from);
    }
    // What has an impossible length is no response of Kafka's, and not waited for: kafkajs is to say so.
    const isNone = Number.isFinite(length) && length > RESPONSE_BYTES_MAX;
    const whole = Buffer.from(isNone ? bytes : bytes.subarray(0, from));
    const rest = bytes.subarray(whole.length);
    const response = isNone || !Number.isFinite(length) ? undefined : Buffer.allocUnsafeSlow(length);
    rest.copy(response ?? this.#scratch);
    this.#begin(response, rest.length);
    if (whole.length > 0) this.#give(whole);
  }

  #begin(response: Buffer | undefined, held: number): void {
    this.#response = response;
    this.#held = held;
  }
}

/** Of the response that begins there, with its prefix; infinite where that is not known yet. */
function lengthAt(bytes: Buffer, at: number): number {
  return at + PREFIX_BYTES <= bytes.length ? PREFIX_BYTES + bytes.readUInt32BE(at) : Number.POSITIVE_INFINITY;
}
