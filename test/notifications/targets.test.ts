import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isPublicAddress } from "../../src/notifications/public-address.ts";
import { sendMessage } from "../../src/notifications/send-message.ts";
import { readTarget } from "../../src/notifications/target.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

const NOBODY = new Set<string>();
const LOOPBACK = new Set(["127.0.0.1"]);
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.stop());

const INSIDE = [
  "127.0.0.1",
  "127.255.255.254",
  "0.0.0.0",
  "10.1.2.3",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "169.254.169.254",
  "100.64.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "fe80::1",
  "fe80::1%eth0",
  "fc00::1",
  "fd12:3456::1",
  "ff02::1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::ffff:8.8.8.8",
  "::127.0.0.1",
  "64:ff9b::7f00:1",
  "2002:7f00:1::",
  "2001:0:7f00:1::",
  "2001:db8::1",
  "localhost",
  "",
];

describe("an address", () => {
  test.each(INSIDE)("%s is nobody else's server on the internet", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each([
    "8.8.8.8",
    "1.1.1.1",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:80b::200e",
  ])("%s is", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe("a URL", () => {
  test.each([
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://169.254.169.254/latest/meta-data",
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://example.com/#x",
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "example.com",
  ])("%s is refused when it is given", (url) => {
    expect(() => readTarget(url, NOBODY)).toThrow();
  });

  test("of any loopback or private IPv4 address is refused, however it is written", () => {
    const inside = fc.oneof(
      fc.tuple(fc.constantFrom(10, 127, 0), fc.nat(255), fc.nat(255), fc.nat(255)),
      fc.tuple(fc.constant(192), fc.constant(168), fc.nat(255), fc.nat(255)),
    );
    fc.assert(
      fc.property(inside, ([a, b, c, d]) => {
        const whole = ((a * 256 + b) * 256 + c) * 256 + d;
        for (const host of [
          `${a}.${b}.${c}.${d}`,
          `${whole}`,
          `0x${whole.toString(16)}`,
          `[::ffff:${a}.${b}.${c}.${d}]`,
        ])
          expect(() => readTarget(`https://${host}/`, NOBODY)).toThrow();
      }),
    );
  });
});

describe("sending", () => {
  const sending = (url: string) => ({ url, headers: {}, body: "{}" });

  test("to a name that leads to ourselves connects to nothing", async () => {
    const { port } = new URL(receiver.url);
    const result = await sendMessage(sending(`https://localhost:${port}/`), NOBODY);
    expect(result).toEqual({ status: null, error: "localhost is not a public address" });
    expect(receiver.received).toEqual([]);
  });

  test("follows no redirect", async () => {
    receiver.answer((response) => response.writeHead(302, { location: `${receiver.url}/elsewhere` }).end());
    const result = await sendMessage(sending(`${receiver.url}/here`), LOOPBACK);
    expect(result).toEqual({ status: 302, error: expect.stringContaining("redirects are not followed") });
    expect(receiver.received.map(({ path }) => path)).not.toContain("/elsewhere");
  });

  test("reads no endless answer", async () => {
    receiver.answer((response) => {
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(16_384)));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    });
    expect(await sendMessage(sending(receiver.url), LOOPBACK)).toEqual({
      status: null,
      error: "the answer is too long",
    });
  });

  test("to where nobody listens says so, and no more", async () => {
    const gone = await startReceiver();
    await gone.stop();
    const result = await sendMessage(sending(gone.url), LOOPBACK);
    expect(result).toEqual({ status: null, error: "the connection was refused or broken off" });
  });
});
