import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import { DeadlinePassed, withinDeadline } from "../kernel/index.ts";
import { readTarget, resolveTarget, TargetRefused } from "./target.ts";

const ANSWER_WITHIN_MS = 15_000;
const ANSWER_BYTES_MAX = 65_536;

export interface Sending {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** What the receiver answered; without a status, why there was no answer. */
export interface SendResult {
  status: number | null;
  error: string | null;
}

/**
 * Posts a message to somebody else's server, once: no redirects, a time-out over everything, and of the answer only its
 * status. It connects to the address that was looked at, whatever the name says a moment later. Never throws.
 */
export async function sendMessage(sending: Sending, allowed: ReadonlySet<string>): Promise<SendResult> {
  const giveUp = new AbortController();
  try {
    const status = await withinDeadline(
      "the receiver's answer",
      ANSWER_WITHIN_MS,
      post(sending, allowed, giveUp.signal),
    );
    const error = status >= 300 && status < 400 ? "redirects are not followed: give the URL itself" : null;
    return { status, error };
  } catch (error) {
    return { status: null, error: describe(error) };
  } finally {
    giveUp.abort();
  }
}

async function post(
  { url, headers, body }: Sending,
  allowed: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<number> {
  const target = readTarget(url, allowed);
  const { address, family } = await resolveTarget(target, allowed);
  const pinned: LookupFunction = (_host, options, done) => {
    if (options.all) done(null, [{ address, family }]);
    else done(null, address, family);
  };
  const request = target.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const outgoing = request(target, {
      method: "POST",
      // A connection of its own each time: a kept one would have been looked at long ago.
      agent: false,
      lookup: pinned,
      signal,
      headers: { ...headers, "content-length": Buffer.byteLength(body) },
    });
    outgoing.on("error", reject);
    outgoing.on("response", (response) => {
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) outgoing.destroy(new Error("the answer is too long"));
      });
      response.on("error", reject);
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    outgoing.end(body);
  });
}

/** For the delivery log, which the payee reads: nothing about our network. */
function describe(error: unknown): string {
  if (error instanceof TargetRefused) return error.message;
  if (error instanceof DeadlinePassed) return `no answer within ${ANSWER_WITHIN_MS / 1000} seconds`;
  const code = (error as { code?: unknown }).code;
  if (code === "ECONNREFUSED" || code === "ECONNRESET") return "the connection was refused or broken off";
  if (typeof code === "string" && /CERT|TLS|SSL/.test(code))
    return `the certificate is not accepted (${code})`;
  return error instanceof Error && error.message === "the answer is too long"
    ? error.message
    : "the connection failed";
}
