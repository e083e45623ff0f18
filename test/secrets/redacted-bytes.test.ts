import fc from "fast-check";
import { expect, test } from "vitest";
import { redactedBytes } from "../../src/secrets/index.ts";

const MEMBERS = ["input", "output", "logs", "error"];
const kept = (text: string | Buffer) => redactedBytes(Buffer.from(text), MEMBERS);

test("bytes without anything to hide stay as they are", () => {
  const innocent = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(innocent, (bytes) => {
      expect(kept(bytes).equals(bytes)).toBe(true);
    }),
  );
});

test("of JSON the members named are gone, and every other character stays", () => {
  const text =
    '{"id":"p", "data": {"input" : {"a":["}\\""]},"metrics":{"predict_time":1e400,"output":3},"\\u006cogs":"x"}}';
  expect(kept(text).toString()).toBe(
    '{"id":"p", "data": {"input" : "[removed]","metrics":{"predict_time":1e400,"output":3},"\\u006cogs":"[removed]"}}',
  );
});

test("what was secret in a member is nowhere else either", () => {
  const text = JSON.stringify({ id: "of-hunter2xyz", data: { input: { password: "hunter2xyz" } } });
  expect(kept(text).toString()).toBe('{"id":"of-[redacted]","data":{"input":"[removed]"}}');
});

test("what is no JSON ends where a payload may begin", () => {
  const broken = '{"id":"p","data":{"model":"a/b","input":{"prompt":"dear diary","x":"sk-abcdefgh123';
  expect(kept(broken).toString()).toBe('{"id":"p","data":{"model":"a/b",[removed from here]');
  expect(
    kept(Buffer.concat([Buffer.from([0xff]), Buffer.from("key sk-abcdefgh123 !")])).toString("latin1"),
  ).toBe("\u00ffkey [redacted] !");
});
