import { expect, test } from "vitest";
import { decodeTopicId, encodeMetadataRequest } from "../../../src/adapters/kafka/metadata-request.ts";

/** A response of Kafka 4.1.1 to the request below, its length left out. */
const RESPONSE = [
  "00000007 00", // correlation id, no tags
  "00000000", // throttle time
  "02 00000001 0a 3132372e302e302e31 00009435 00 00", // one broker: 1, 127.0.0.1, port, no rack, no tags
  "05 61626364", // cluster id
  "00000001", // controller
  "02 0000 02 74 b1c4d2a09f3e4b0c8d7e6f5041322314 00", // one topic: no error, "t", its id, not internal
].join("");

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(" ", ""), "hex");
}

test("a metadata request asks for one topic by its name and creates nothing", () => {
  const header = "0003 000c 00000007 0001 78 00";
  const body = "02 00000000000000000000000000000000 02 74 00 00 00 00";
  const expected = bytes(header + body);
  expect(encodeMetadataRequest(7, "x", "t")).toEqual(Buffer.concat([bytes("00000023"), expected]));
  expect(expected).toHaveLength(0x23);
});

test("a topic's id is read from the answer, in Kafka's own spelling", () => {
  expect(decodeTopicId(bytes(RESPONSE), 7)).toBe("scTSoJ8-SwyNfm9QQTIjFA");
});

test("a topic that the broker does not know has no id", () => {
  expect(decodeTopicId(bytes(RESPONSE.replace("02 0000 02 74", "02 0003 02 74")), 7)).toBeNull();
});

test("an answer that is cut off, to another request or an error is refused", () => {
  const whole = bytes(RESPONSE);
  expect(() => decodeTopicId(whole.subarray(0, 30), 7)).toThrow("ends too early");
  expect(() => decodeTopicId(whole, 8)).toThrow("another request");
  expect(() => decodeTopicId(bytes(RESPONSE.replace("02 0000 02 74", "02 001d 02 74")), 7)).toThrow(
    "error 29",
  );
});
