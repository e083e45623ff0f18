import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { redactedBytes } from "../../src/secrets/index.ts";

const MEMBERS = ["input", "output", "logs", "error"];
const kept = (text: string | Buffer) => redactedBytes(Buffer.from(text), MEMBERS);

test("bytes without anything to hide stay as they are", () => {
  const innocent = fc.oneof(
    fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes)),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.concat([Buffer.from('{"specversion":'), bytes])),
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

const digest = (bytes: Buffer) =>
  `[no JSON, not kept: ${bytes.length} bytes, sha256 ${createHash("sha256").update(bytes).digest("hex")}]`;

test.each<[string, string | Buffer, string]>([
  [
    "half of it",
    '{"id":"p","data":{"input":{"prompt":"dear diary","x":"sk-abcdefgh123',
    '{"id":"p","data":{"',
  ],
  ["Python's dict", "{'data': {'input': {'prompt': 'my private diagnosis'}}}", "{'data': {'"],
  ["escaped", String.raw`"{\"data\":{\"output\":\"dear diary\"`, String.raw`"{\"data\":{\"`],
  ["UTF-16", Buffer.from("\ufeff{'data':{'logs':'dear diary'}}", "utf16le"), "\u00ff\u00fe{'data':{'"],
  ["big-endian", Buffer.from('{"a":1,"error":"dear diary"}', "utf16le").swap16(), '{"a":1,"'],
  ["another object", "{'prompt': 'my private diagnosis'}", "{'prompt': 'my private d"],
  ["a form", "id=p&prompt=my+private+diagnosis+in+full", "id=p&prompt=my+private+d"],
  ["a key", "sk-abcdefgh123 and then a private sentence", "[redacted] and then a pr"],
])("what is no JSON and may hold a payload is kept as a hash and a head: %s", (_, sent, head) => {
  const bytes = Buffer.from(sent);
  expect(kept(bytes).toString()).toBe(head + digest(bytes));
});

test("a broken event without a payload keeps its bytes but for secrets", () => {
  const broken = '{"specversion":"1.0","id":"p","data":{"model":"a/b","metrics":{"input_token_count":';
  expect(kept(broken).toString()).toBe(broken);
  expect(kept(`${broken}"sk-abcdefgh123"`).toString()).toBe(`${broken}"[redacted]"`);
  const marked = '\ufeff{"id":"p","data":{"input":"x"}}';
  expect(kept(marked).toString()).toBe('\ufeff{"id":"p","data":{"input":"[removed]"}}');
});
