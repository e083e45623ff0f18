import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface TcpProxy {
  port: number;
  /** Cuts every connection; new ones are refused until it heals. */
  cut(): Promise<void>;
  /** Nothing comes through any more, and nobody is told. */
  hang(): void;
  heal(): Promise<void>;
  stop(): Promise<void>;
}

/** A network between a process and one server, that a test can break. */
export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let hanging = false;
  const server = createServer((near) => {
    const far = connect(target);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("data", (chunk) => hanging || other.write(chunk));
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const close = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    destroyAll();
    await closed;
  };
  const port = await listen(0);
  return {
    port,
    cut: close,
    hang() {
      hanging = true;
    },
    async heal() {
      // What was swallowed is lost: these connections are of no use any more.
      if (hanging) destroyAll();
      hanging = false;
      if (!server.listening) await listen(port);
    },
    stop: close,
  };
}
