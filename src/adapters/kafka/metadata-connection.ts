import { connect, type Socket } from "node:net";
import { decodeTopicId, encodeMetadataRequest } from "./metadata-request.ts";

const TIMEOUT_MS = 5_000;

/** One plaintext connection to a broker, for the only request that kafkajs cannot make. One request at a time. */
export class MetadataConnection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #correlationId = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(socket: Socket) {
    this.#socket = socket;
    // Errors reach whoever waits, through `close`; this keeps one between two requests from ending the process.
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      socket.emit("received");
    });
    socket.setNoDelay(true).unref();
  }

  /** @throws Error when the connection breaks or there is no answer in time: then open another. */
  topicId(topic: string): Promise<string | null> {
    const answer = this.#turn.then(() => this.#ask(topic));
    this.#turn = answer.catch(() => {});
    return answer;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #ask(topic: string): Promise<string | null> {
    this.#correlationId += 1;
    this.#socket.write(encodeMetadataRequest(this.#correlationId, "tributary", topic));
    return decodeTopicId(await this.#response(), this.#correlationId);
  }

  #response(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(new Error("Kafka did not answer in time")), TIMEOUT_MS);
      const settle = (result: Buffer | Error): void => {
        clearTimeout(timer);
        this.#socket.off("received", take).off("close", lost);
        if (result instanceof Buffer) resolve(result);
        else reject(result);
      };
      const take = (): void => {
        const length = this.#received.length < 4 ? Number.POSITIVE_INFINITY : this.#received.readInt32BE();
        if (this.#received.length < 4 + length) return;
        const response = this.#received.subarray(4, 4 + length);
        this.#received = this.#received.subarray(4 + length);
        settle(response);
      };
      const lost = (): void => settle(new Error("the connection to Kafka closed"));
      this.#socket.on("received", take).on("close", lost);
      if (this.#socket.destroyed) lost();
    });
  }
}

/** Connects to the first broker that takes the connection. */
export async function openMetadataConnection(brokers: string[]): Promise<MetadataConnection> {
  const errors: unknown[] = [];
  for (const broker of brokers) {
    try {
      return new MetadataConnection(await connected(broker));
    } catch (error) {
      errors.push(error);
    }
  }
  throw new AggregateError(errors, `no Kafka broker of ${brokers.join(", ")} can be reached`);
}

function connected(broker: string): Promise<Socket> {
  const colon = broker.lastIndexOf(":");
  const host = broker.slice(0, colon).replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(broker.slice(colon + 1)), timeout: TIMEOUT_MS });
    socket.once("timeout", () => socket.destroy(new Error(`no connection to ${broker} in time`)));
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.setTimeout(0).removeAllListeners("timeout").off("error", reject);
      resolve(socket);
    });
  });
}
