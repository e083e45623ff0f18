/** PostgreSQL's messages, as they come by in one direction of a connection. */
export interface WireMessage {
  /** A letter; "" for the first message of a client, which has none. */
  type: string;
  /** The beginning of its body. */
  head: Buffer;
}

const HEAD_BYTES = 256;

/** Finds the messages in a stream of chunks, and keeps no more of them than their heads. */
export class WireReader {
  #untyped: boolean;
  #header: number[] = [];
  #type = "";
  #left = 0;
  #head: Buffer[] = [];
  #headBytes = 0;

  constructor(side: "client" | "server") {
    this.#untyped = side === "client";
  }

  /** The messages that ended in this chunk. */
  read(chunk: Buffer): WireMessage[] {
    const found: WireMessage[] = [];
    for (let at = 0; at < chunk.length; ) {
      if (this.#header.length < this.#headerBytes()) {
        this.#header.push(chunk[at] ?? 0);
        at += 1;
        if (this.#header.length === this.#headerBytes()) this.#begin();
      } else {
        const body = chunk.subarray(at, at + this.#left);
        at += body.length;
        this.#left -= body.length;
        this.#keep(body);
      }
      if (this.#header.length === this.#headerBytes() && this.#left === 0) found.push(this.#finish());
    }
    return found;
  }

  #headerBytes(): number {
    return this.#untyped ? 4 : 5;
  }

  #begin(): void {
    const header = Buffer.from(this.#header);
    this.#type = this.#untyped ? "" : String.fromCharCode(header[0] ?? 0);
    this.#left = header.readUInt32BE(header.length - 4) - 4;
  }

  #keep(body: Buffer): void {
    const kept = body.subarray(0, HEAD_BYTES - this.#headBytes);
    if (kept.length === 0) return;
    this.#head.push(Buffer.from(kept));
    this.#headBytes += kept.length;
  }

  #finish(): WireMessage {
    const message = { type: this.#type, head: Buffer.concat(this.#head) };
    this.#untyped = false;
    this.#header = [];
    this.#head = [];
    this.#headBytes = 0;
    return message;
  }
}

/** The zero-terminated strings at the beginning of a body. */
export function stringsOf(head: Buffer): string[] {
  return head.toString("utf8").split("\0");
}
