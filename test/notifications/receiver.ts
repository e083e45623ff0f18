import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Receiver {
  url: string;
  /** Everything that came, in its order. */
  received: Received[];
  /** What it answers from now on; 204 at first. */
  answer(how: (response: ServerResponse) => void): void;
  /** The messages of a path, each verified by the official library. @throws when a signature is wrong */
  verified(path: string, secret: string): { id: string; type: string; data: Record<string, unknown> }[];
  stop(): Promise<void>;
}

/** A creator's own server, on the loopback. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const accept = (response: ServerResponse): void => {
    response.writeHead(204).end();
  };
  let how = accept;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({
        path: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      });
      how(response);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer(next) {
      how = next;
    },
    verified(path, secret) {
      const webhook = new Webhook(secret);
      return received
        .filter((one) => one.path === path)
        .map(({ headers, body }) => {
          const content = webhook.verify(body, headers as Record<string, string>) as {
            type: string;
            data: object;
          };
          return { ...content, data: { ...content.data }, id: String(headers["webhook-id"]) };
        });
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
