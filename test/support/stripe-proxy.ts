import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface ProxyAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** What becomes of a request: `forward` has the simulator carry it out; undefined drops the connection. */
export type Intercept = (
  forward: () => Promise<ProxyAnswer>,
  path: string,
) => Promise<ProxyAnswer | undefined>;

/** A network between the product and the simulator, as slow and as unreliable as a test wants it. */
export async function startStripeProxy(
  target: string,
  intercept: Intercept,
): Promise<{ url: string; stop(): void }> {
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    const answered = readBody(request).then((body) =>
      intercept(() => send(target + path, request, body), path),
    );
    answered
      .then((answer) => {
        if (answer === undefined) return response.destroy();
        response.writeHead(answer.status, answer.headers);
        return response.end(answer.body);
      })
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

/**
 * Runs a script, with the simulator's address behind its other arguments, until it ends well; it is killed with kill -9 before or after a request is
 * carried out where `deadly` says so. Answers how often it was.
 */
export async function runUntilDone(
  target: string,
  script: readonly string[],
  deadly: (path: string) => "before" | "after" | undefined,
): Promise<number> {
  let kill = () => {};
  const proxy = await startStripeProxy(target, async (forward, path) => {
    const when = deadly(path);
    if (when === "before") kill();
    const answer = when === "before" ? undefined : await forward();
    if (when === "after") kill();
    return answer;
  });
  onTestFinished(proxy.stop);
  let killed = 0;
  for (let code: number | null = null; code !== 0; ) {
    const child = spawn(process.execPath, [...script, proxy.url], { stdio: ["ignore", "ignore", "inherit"] });
    kill = () => void child.kill("SIGKILL");
    onTestFinished(kill);
    [code] = (await once(child, "exit")) as [number | null];
    if (child.signalCode === "SIGKILL") killed++;
  }
  return killed;
}

async function send(url: string, request: IncomingMessage, body: string): Promise<ProxyAnswer> {
  const method = request.method ?? "GET";
  const headers: Record<string, string> = {};
  for (const name of ["authorization", "content-type", "idempotency-key", "stripe-version"]) {
    const value = request.headers[name];
    if (typeof value === "string") headers[name] = value;
  }
  const answer = await fetch(url, { method, headers, ...(method === "GET" ? {} : { body }) });
  return {
    status: answer.status,
    headers: { "content-type": "application/json" },
    body: await answer.text(),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
