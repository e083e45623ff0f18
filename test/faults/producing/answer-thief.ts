import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Stands between producers and the API, and steals acknowledgements: the log has the batch, the producer never hears. */
export class AnswerThief {
  /** Acknowledgements that nobody got. */
  stolen = 0;
  readonly #target: { host: string; port: number };
  readonly #server = createServer((near) => this.#connected(near));
  readonly #sockets = new Set<Socket>();
  #toSteal = 0;

  constructor(apiUrl: string) {
    const { hostname, port } = new URL(apiUrl);
    this.#target = { host: hostname, port: Number(port) };
  }

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next so many acknowledgements. */
  steal(count: number): void {
    this.#toSteal += count;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #connected(near: Socket): void {
    const far = connect(this.#target);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    near.on("data", (chunk) => far.write(chunk));
    far.on("data", (chunk: Buffer) => {
      if (this.#toSteal > 0 && chunk.toString("latin1", 0, 12) === "HTTP/1.1 202") {
        this.#toSteal -= 1;
        this.stolen += 1;
        near.destroy();
        return;
      }
      near.write(chunk);
    });
  }
}
