import fc from "fast-check";
import type OpenAI from "openai";
import type { Prediction } from "replicate";
import { describe, expect, test } from "vitest";
import {
  type InputSchema,
  REDACTED,
  redactJson,
  redactPayload,
  redactText,
} from "../../src/secrets/index.ts";
import { isSecretName } from "../../src/secrets/secret-name.ts";

/** As Cog writes it for `token: Secret = Input(…)`. */
const SCHEMA: InputSchema = {
  components: {
    schemas: {
      Input: {
        type: "object",
        properties: {
          prompt: { type: "string" },
          door_code: { type: "string", format: "password", writeOnly: true, "x-cog-secret": true },
          accounts: { type: "array", items: { $ref: "#/components/schemas/Account" } },
          maybe: { anyOf: [{ type: "null" }, { allOf: [{ $ref: "#/components/schemas/Hidden" }] }] },
        },
      },
      Account: { type: "object", properties: { pin: { type: "integer", "x-cog-secret": true } } },
      Hidden: { type: "string", format: "password" },
    },
  },
};

/** Long enough to be looked for, and no part of the mark itself. */
const secret = fc
  .string({ minLength: 6, maxLength: 40, unit: "binary" })
  .map((text) => text.toWellFormed())
  .filter((text) => text.length >= 6 && !/^[redacted[\] ]+$/.test(text));
const plain = fc.string({ maxLength: 30 });
const everywhere = (value: string) => {
  const bytes = Buffer.from(value);
  return [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    bytes.toString("base64"),
    bytes.toString("base64url"),
    Buffer.from(`user:${value}@`).toString("base64"),
  ];
};

describe("a secret that the schema declares", () => {
  test("is nowhere afterwards, however it is written", () => {
    fc.assert(
      fc.property(secret, plain, plain, fc.nat(7), (value, before, after, form) => {
        const shown = everywhere(value)[form] ?? value;
        const text = `${before} ${shown} ${after}`;
        const redacted = redactPayload(
          {
            input: { prompt: text, door_code: value, [text]: [text, { deep: text }] },
            output: [text],
            logs: text,
            error: { detail: text },
          },
          [SCHEMA],
        );
        const pieces: string[] = [];
        JSON.stringify(redacted, (key, held) => {
          pieces.push(key, String(held));
          return held;
        });
        for (const piece of pieces) expect(piece.includes(value)).toBe(false);
        if (form < 7) expect(JSON.stringify(redacted)).not.toContain(JSON.stringify(shown).slice(1, -1));
      }),
    );
  });

  test("is found across the pieces of a stream, of texts and of objects", () => {
    fc.assert(
      fc.property(secret, fc.array(fc.nat(100), { maxLength: 8 }), (value, cuts) => {
        const text = `so: ${value}, there`;
        const at = [0, ...cuts.map((cut) => cut % text.length), text.length].sort((a, b) => a - b);
        const pieces = at.slice(1).map((end, n) => text.slice(at[n], end));
        const chunks = pieces.map((content) => ({ choices: [{ index: 0, delta: { content } }] }));
        const redacted = redactPayload({ input: { door_code: value }, output: pieces, logs: chunks }, [
          SCHEMA,
        ]);
        expect((redacted.output as string[]).join("")).not.toContain(value);
        expect(
          (redacted.logs as typeof chunks).map(({ choices }) => choices[0]?.delta.content).join(""),
        ).not.toContain(value);
      }),
    );
  });

  test("is found through references, lists and alternatives, and may be a number", () => {
    const { input } = redactPayload(
      { input: { accounts: [{ pin: 918_273, name: "a" }], maybe: "opensesame", prompt: "918273 and 42" } },
      [SCHEMA],
    );
    expect(input).toEqual({
      accounts: [{ pin: REDACTED, name: "a" }],
      maybe: REDACTED,
      prompt: `${REDACTED} and 42`,
    });
  });
});

test("nothing but secrets changes, and what was redacted stays as it is", () => {
  const words = fc.array(fc.constantFrom("a", "model", "of", "the", "weather", "12"), { maxLength: 6 });
  const value = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      words.map((some) => some.join(" ")),
      fc.double({ noNaN: true }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("any"), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom("prompt", "seed", "max_tokens", "eos_token"), tie("any")),
    ),
  })).any;
  fc.assert(
    fc.property(value, (input) => {
      const json = JSON.parse(JSON.stringify({ input })) as { input: unknown };
      expect(redactPayload(json)).toEqual(json);
    }),
  );
  fc.assert(
    fc.property(secret, fc.string(), (hidden, text) => {
      const once = redactPayload({ input: { password: hidden, text: text + hidden }, logs: text });
      expect(redactPayload(once)).toEqual(once);
    }),
    { numRuns: 50 },
  );
});

test.each([
  ["password", true],
  ["dbPassword", true],
  ["HF_TOKEN", true],
  ["replicate_api_token", true],
  ["X-Api-Key", true],
  ["OPENAI_API_KEY", true],
  ["aws_secret_access_key", true],
  ["Authorization", true],
  ["Set-Cookie", true],
  ["token", true],
  ["clientSecret", true],
  ["max_tokens", false],
  ["eos_token", false],
  ["input_token_count", false],
  ["prompt", false],
  ["author", false],
  ["key", false],
  ["tokenizer", false],
])("the name %s is a secret's: %s", (name, expected) => {
  expect(isSecretName(name)).toBe(expected);
});

const KEYS = [
  "sk-proj-4f9aLq81ZzT0",
  "r8_4f9aLq81ZzT0abcdef",
  "hf_4f9aLq81ZzT0abcdef",
  "ghp_4f9aLq81ZzT0abcdef",
  "github_pat_4f9aLq81ZzT0abcdef",
  "glpat-4f9aLq81ZzT0abcdef",
  "AKIAIOSFODNN7EXAMPLE",
  "AIzaSyA4f9aLq81ZzT0abcdef-123456",
  "xoxb-4f9aLq81ZzT0",
  "sk_live_4f9aLq81ZzT0",
  "whsec_4f9aLq81ZzT0abc=",
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
];

test.each(KEYS)("%s is known by its look, wherever it stands", (key) => {
  for (const text of [key, `use ${key}.`, `{"a":"${key}"}`, `export X="${key}"\nnext`]) {
    expect(redactText(text)).not.toContain(key);
    expect(JSON.stringify(redactJson({ [text]: [text] }))).not.toContain(key);
  }
});

test.each([
  ["Authorization: Bearer abcdefgh12", "abcdefgh12"],
  ["curl -H 'x-api-key: abcdefgh12' https://example.com", "abcdefgh12"],
  ['{"password": "abcdefgh12"}', "abcdefgh12"],
  ['"{\\"api_key\\": \\"abcdefgh12\\"}"', "abcdefgh12"],
  ["DB_PASSWORD=abcdefgh12 run", "abcdefgh12"],
  ["postgres://me:abcdefgh12@db/x", "abcdefgh12"],
  ["https://files.example.com/a.png?X-Amz-Signature=abcdefgh12&x=1", "abcdefgh12"],
  ["-----BEGIN RSA PRIVATE KEY-----\nabcdefgh12\n-----END RSA PRIVATE KEY-----", "abcdefgh12"],
])("a text that says what is secret: %s", (text, hidden) => {
  expect(redactText(text)).not.toContain(hidden);
});

test("headers in pairs, objects of names and values, and the arguments of tool calls", () => {
  const messages: OpenAI.ChatCompletionMessageParam[] = [
    { role: "user", content: "send it" },
    {
      role: "assistant",
      tool_calls: [
        {
          id: "call_1",
          type: "function",
          function: {
            name: "fetch",
            arguments: JSON.stringify({ url: "https://x.test", apiKey: "zanzibar-9" }),
          },
        },
      ],
    },
    { role: "tool", tool_call_id: "call_1", content: "used zanzibar-9" },
  ];
  const input = {
    messages,
    headers: [
      ["Authorization", "tango-77"],
      ["Accept", "*/*"],
    ],
    env: [{ name: "HF_TOKEN", value: "lima-55" }],
  };
  const redacted = redactPayload({ input, logs: "zanzibar-9 tango-77 lima-55" });
  expect(JSON.stringify(redacted)).not.toMatch(/zanzibar-9|tango-77|lima-55/);
  const tool = (redacted.input as typeof input).messages[1] as OpenAI.ChatCompletionAssistantMessageParam;
  const call = tool.tool_calls?.[0] as OpenAI.ChatCompletionMessageFunctionToolCall;
  expect(JSON.parse(call.function.arguments)).toEqual({ url: "https://x.test", apiKey: REDACTED });
  expect((redacted.input as typeof input).headers[1]).toEqual(["Accept", "*/*"]);
});

test("a stream says what is secret in one piece and shows it in others", () => {
  const call = (index: number, text: string) => ({
    choices: [{ index: 0, delta: { tool_calls: [{ index, function: { arguments: text } }] } }],
  });
  const streams: Record<string, unknown[]> = {
    "the arguments of a tool call": ['{"passw', 'ord":"hun', 'ter2secret"}'].map((text) => call(0, text)),
    "of two calls, one after the other": [
      ...['{"a":', '"b"}'].map((text) => call(0, text)),
      ...['{"credential', '":"hunter', '2secret","n', '":1}'].map((text) => call(1, text)),
    ],
    "of two calls at once": [
      call(0, '{"credential":"hunter'),
      call(1, '{"city":"Zü'),
      call(0, '2secret"}'),
      call(1, 'rich"}'),
    ],
    "of a call that was cut off": ['{"credential', '":"hunter', "2secret"].map((text) => call(0, text)),
    "counted pieces": ["the pass", "word: hunter", "2secret and"].map((text, index) => ({ index, text })),
    "blocks of two kinds": [
      { index: 0, delta: { text: "calling" } },
      { index: 1, delta: { partial_json: '{"credential": "hunter' } },
      { index: 1, delta: { partial_json: '2secret"}' } },
    ],
    texts: ["the pass", "word: hunter2", "secretword, so"],
    "a short one": ["the pass", "word: hun", "ter2"],
  };
  for (const [name, output] of Object.entries(streams)) {
    const redacted = redactPayload({ output, logs: "it was hunter2secret" });
    const left = JSON.stringify(redacted.output);
    expect(left, name).not.toMatch(/hun|ter2|2secret/);
    expect(redactPayload(redacted), name).toEqual(redacted);
    expect((redacted.output as unknown[]).length).toBe(output.length);
    if (!/texts|short|counted/.test(name)) expect(redacted.logs, name).toBe(`it was ${REDACTED}`);
  }
});

test("a thousand secrets are hidden as one is, and where there are too many to look for nothing is kept", () => {
  const values = (count: number) => Array.from({ length: count }, (_, n) => `zanzibar-${n}-x`);
  const input = { passwords: values(1_000) };
  const redacted = redactPayload({ input, logs: values(1_000).join("\n").repeat(3), error: null });
  expect(JSON.stringify(redacted)).not.toContain("zanzibar");
  const many = { input: { passwords: values(30_000) }, logs: values(30_000).join(" "), error: null };
  const WITHHELD = "[not kept: it holds too many secrets]";
  expect(redactPayload(many)).toEqual({ input: WITHHELD, logs: WITHHELD, error: null });
  expect(redactJson(many)).toBe(WITHHELD);
  const alike = Array.from({ length: 1_000 }, (_, n) => `aaaa${"a".repeat(n)}b`);
  expect(redactPayload({ input: { passwords: alike }, logs: "a".repeat(100_000) }).logs).toBe(WITHHELD);
});

test("a prediction of Replicate's own type keeps all that is no secret", () => {
  const prediction: Pick<Prediction, "input" | "output" | "logs" | "error"> = {
    input: { prompt: "a cat", image: "https://replicate.delivery/x/cat.png", hf_token: "golf-4411" },
    output: ["https://replicate.delivery/y/out.png"],
    logs: "loading with golf-4411\ndone",
    error: null,
  };
  expect(redactPayload(prediction)).toEqual({
    input: { prompt: "a cat", image: "https://replicate.delivery/x/cat.png", hf_token: REDACTED },
    output: ["https://replicate.delivery/y/out.png"],
    logs: `loading with ${REDACTED}\ndone`,
    error: null,
  });
});

test("whatever is sent, it ends soon", { timeout: 20_000 }, () => {
  const hostile = ["a".repeat(300_000), "sk-".repeat(100_000), "Bearer ".repeat(40_000), "[".repeat(50_000)];
  const deep = JSON.parse(`${"[".repeat(5_000)}${"]".repeat(5_000)}`) as unknown;
  const deepText = JSON.stringify({
    text: `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
    password: "hunter2x",
  });
  for (const input of [...hostile, deep, deepText, Array.from({ length: 100_000 }, () => "ab")])
    expect(redactPayload({ input, output: { password: "x".repeat(50) } })).toBeDefined();
});
