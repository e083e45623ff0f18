import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ResponsePieces } from "../../../src/adapters/kafka/response-socket.ts";

function response(body: Uint8Array): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(body.length);
  return Buffer.concat([prefix, body]);
}

/** Sends bytes in pieces of these sizes, or as many as there is room for, over and over. */
function given(sent: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  const reading = new ResponsePieces((bytes) => pieces.push(bytes));
  for (let at = 0, n = 0; at < sent.length; n++) {
    const { room } = reading;
    const size = Math.min(sizes[n % sizes.length] ?? 1, room.length, sent.length - at);
    sent.copy(room, 0, at, at + size);
    reading.filled(size);
    at += size;
  }
  return pieces;
}

function bodiesOf(bytes: Buffer): Buffer[] {
  if (bytes.length === 0) return [];
  const end = 4 + bytes.readUInt32BE(0);
  expect(end).toBeLessThanOrEqual(bytes.length);
  return [bytes.subarray(4, end), ...bodiesOf(bytes.subarray(end))];
}

describe("what kafkajs is given of a connection", () => {
  test("is whole responses, as they were sent, however they come", () => {
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.integer({ min: 60_000, max: 200_000 }).map((length) => Buffer.alloc(length, length % 251)),
    );
    const sizes = fc.array(
      fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1000, max: 300_000 })),
      {
        minLength: 1,
        maxLength: 5,
      },
    );
    fc.assert(
      fc.property(fc.array(bodies, { maxLength: 6 }), sizes, (list, pieces) => {
        // Small pieces of large responses take long, and show nothing more.
        const sent = Buffer.concat(list.map(response));
        const bounded = sent.length > 50_000 ? pieces.map((size) => Math.max(size, 1000)) : pieces;
        const found = given(sent, bounded).flatMap(bodiesOf);
        expect(found.map((body) => body.toString("base64"))).toEqual(
          list.map((body) => Buffer.from(body).toString("base64")),
        );
      }),
    );
  });

  test("is not changed by what comes later", () => {
    const [first] = given(Buffer.concat([response(Buffer.from("one")), response(Buffer.from("two"))]), [7]);
    expect(first?.toString()).toBe("\0\0\0\x03one");
  });

  test("is passed on as it is when it cannot be a response: kafkajs says what it is", () => {
    const html = Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect(Buffer.concat(given(html, [1000]))).toEqual(html);
  });
});
