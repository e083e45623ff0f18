import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { CannotStart, type Config, urlAt } from "./config.ts";

const CLOSE_WAIT_MS = 10_000;

export class PortTaken extends CannotStart {
  override name = "PortTaken";
}

export interface Serving {
  url: string;
  stop(): Promise<void>;
}

/**
 * Serves until stopped; requests in hand are answered first. `listenerAt` is told the address that others reach.
 * @throws PortTaken, or CannotStart when PORT and HOST cannot be served at all
 */
export async function serve(config: Config, listenerAt: (url: string) => RequestListener): Promise<Serving> {
  const server = createServer();
  server.listen(config.PORT, config.HOST);
  await once(server, "listening").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRINUSE")
      throw new PortTaken(`port ${config.PORT} is taken: set PORT to another one`, { cause: error });
    throw new CannotStart(`${error.message}: set HOST and PORT to what this user may serve`, {
      cause: error,
    });
  });
  const { port } = server.address() as AddressInfo;
  const url = urlAt(config.HOST, port);
  server.on("request", listenerAt(url));
  const stop = async () => {
    const closed = once(server, "close");
    server.close();
    server.closeIdleConnections();
    const impatient = setTimeout(() => server.closeAllConnections(), CLOSE_WAIT_MS);
    await closed;
    clearTimeout(impatient);
  };
  return { url, stop };
}
