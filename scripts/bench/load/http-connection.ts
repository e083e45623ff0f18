import { once } from "node:events";
import { connect, type Socket } from "node:net";

const HEAD_END = "\r\n\r\n";
const CLOSED = "closed";

/**
 * One kept-alive connection that sends ready-made requests, one at a time. Node's own HTTP client costs more than the
 * server that is measured; this costs next to nothing. A server closes what was idle for a few seconds, maybe just when
 * the next request goes out: like any client this one connects again and sends it once more.
 */
export class HttpConnection {
  readonly #url: URL;
  #socket: Socket | undefined;
  #received = "";
  #answer: ((answer: string) => void) | undefined;

  private constructor(url: string) {
    this.#url = new URL(url);
  }

  static async open(url: string): Promise<HttpConnection> {
    const connection = new HttpConnection(url);
    await connection.#connect();
    return connection;
  }

  /** Answers with the whole response, which is short and names its length; "closed" when there is none. */
  async send(request: Buffer): Promise<string> {
    const answer = await this.#sendOnce(request);
    return answer === CLOSED ? this.#sendOnce(request) : answer;
  }

  close(): void {
    this.#socket?.destroy();
  }

  async #connect(): Promise<void> {
    const socket = connect(Number(this.#url.port), this.#url.hostname);
    await once(socket, "connect");
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => this.#take(chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#socket = undefined;
      this.#finish(CLOSED);
    });
    this.#socket = socket;
  }

  async #sendOnce(request: Buffer): Promise<string> {
    if (this.#socket === undefined) await this.#connect().catch(() => {});
    const socket = this.#socket;
    if (socket === undefined) return CLOSED;
    return new Promise((resolve) => {
      this.#answer = resolve;
      socket.write(request);
    });
  }

  #take(chunk: string): void {
    this.#received += chunk;
    const head = this.#received.indexOf(HEAD_END);
    if (head < 0) return;
    const length = Number(/content-length: *(\d+)/i.exec(this.#received)?.[1] ?? 0);
    if (this.#received.length >= head + HEAD_END.length + length) this.#finish(this.#received);
  }

  #finish(answer: string): void {
    this.#received = "";
    const resolve = this.#answer;
    this.#answer = undefined;
    resolve?.(answer);
  }
}
