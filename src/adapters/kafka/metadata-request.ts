/**
 * Kafka's Metadata request, version 12, for one topic, and as much of the answer as holds its id. kafkajs stops at
 * version 6, which has no ids, and a topic's id is all that tells a topic from one made again under its name.
 * Layout: KIP-516; "compact" lengths are unsigned varints of length + 1, 0 means null.
 */
const METADATA = 3;
const VERSION = 12;

/** The request with its length in front. */
export function encodeMetadataRequest(correlationId: number, clientId: string, topic: string): Buffer {
  const client = Buffer.from(clientId);
  const name = Buffer.from(topic);
  const noTags = Buffer.from([0]);
  const body = Buffer.concat([
    int16(METADATA),
    int16(VERSION),
    int32(correlationId),
    int16(client.length),
    client,
    noTags,
    uvarint(1 + 1), // topics: one
    Buffer.alloc(16), // by name, so its id is zero
    uvarint(name.length + 1),
    name,
    noTags,
    Buffer.from([0, 0]), // neither create the topic nor list authorised operations
    noTags,
  ]);
  return Buffer.concat([int32(body.length), body]);
}

/**
 * The topic's id as Kafka prints it (base64url), or null when the broker knows no such topic.
 * @throws Error when the broker answers with another error, or not to this request.
 */
export function decodeTopicId(response: Buffer, correlationId: number): string | null {
  const read = new Cursor(response);
  if (read.int32() !== correlationId) throw new Error("Kafka answered another request than this one");
  read.tags();
  read.int32(); // throttle time
  for (let brokers = read.compactLength(); brokers > 0; brokers -= 1) {
    read.int32(); // node id
    read.compactBytes(); // host
    read.int32(); // port
    read.compactBytes(); // rack
    read.tags();
  }
  read.compactBytes(); // cluster id
  read.int32(); // controller id
  if (read.compactLength() !== 1) throw new Error("Kafka answered for another number of topics than one");
  const errorCode = read.int16();
  if (errorCode === UNKNOWN_TOPIC) return null;
  if (errorCode !== 0)
    throw new Error(`Kafka answered the question for a topic's id with error ${errorCode}`);
  read.compactBytes(); // name
  return read.bytes(16).toString("base64url");
}

const UNKNOWN_TOPIC = 3;

class Cursor {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  bytes(length: number): Buffer {
    if (this.#at + length > this.#buffer.length) throw new Error("Kafka's answer ends too early");
    this.#at += length;
    return this.#buffer.subarray(this.#at - length, this.#at);
  }

  int16(): number {
    return this.bytes(2).readInt16BE();
  }

  int32(): number {
    return this.bytes(4).readInt32BE();
  }

  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.bytes(1).readUInt8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error("Kafka's answer holds a varint of more than 5 bytes");
  }

  compactLength(): number {
    return Math.max(this.uvarint() - 1, 0);
  }

  compactBytes(): Buffer {
    return this.bytes(this.compactLength());
  }

  tags(): void {
    for (let tags = this.uvarint(); tags > 0; tags -= 1) {
      this.uvarint();
      this.bytes(this.uvarint());
    }
  }
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function uvarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}
