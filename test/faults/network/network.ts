import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { ApplySpy, type Moment } from "./apply-spy.ts";
import { Gate } from "./gate.ts";

/**
 * What becomes of the bytes in hand at a moment: `cut` closes the connection before they arrive; `hang` keeps it open
 * and holds them until the network heals; `lose` as well, but it never heals.
 */
export type Fate = "forward" | "cut" | "hang" | "lose";
type Trap = { moment: Moment; passings: number; fate: () => Fate };

interface Connection {
  sockets: [Socket, Socket];
  gate: Gate;
  /** It stays closed when the network heals. */
  dead: boolean;
}

/** A network between processes and one PostgreSQL, that a fault can break. */
export class Network {
  /** Of 127.0.0.1. */
  port = 0;
  /** Each piece of an answer of the database comes so much later. */
  delayMs = 0;
  readonly #server = createServer((near) => this.#connected(near));
  readonly #target: { host: string; port: number };
  readonly #connections = new Set<Connection>();
  #traps: Trap[] = [];
  #allHang = false;

  constructor(target: { host: string; port: number }) {
    this.#target = target;
  }

  async start(): Promise<void> {
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = (this.#server.address() as AddressInfo).port;
  }

  /** Resets every connection; new ones are welcome. */
  reset(): void {
    for (const connection of this.#connections) destroy(connection);
  }

  /** Resets every connection; new ones are refused until it heals. */
  async cut(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.reset();
    await closed;
  }

  /** Nothing comes through any more in either direction, and nobody is told. New connections hang as well. */
  hang(): void {
    this.#allHang = true;
    for (const { gate } of this.#connections) gate.close();
  }

  /** The connections there are now never carry anything again; new ones work, and nobody is told. */
  loseConnections(): void {
    for (const connection of this.#connections) lose(connection);
  }

  /** Listens again; what hung goes on as if nothing had been. */
  async heal(): Promise<void> {
    this.#traps = [];
    this.delayMs = 0;
    this.#allHang = false;
    for (const { gate, dead } of this.#connections) if (!dead) gate.open();
    if (!this.#server.listening) await this.start();
  }

  /** Resolves when metering has passed this moment for the n-th time from now, and `fate` was asked. */
  atApply(moment: Moment, nth: number, fate: () => Fate): Promise<void> {
    return new Promise((resolve) => {
      const decide = () => {
        resolve();
        return fate();
      };
      this.#traps.push({ moment, passings: nth, fate: decide });
    });
  }

  async stop(): Promise<void> {
    await this.cut();
  }

  #connected(near: Socket): void {
    const far = connect(this.#target);
    const connection: Connection = { sockets: [near, far], gate: new Gate(), dead: false };
    if (this.#allHang) connection.gate.close();
    this.#connections.add(connection);
    const spy = new ApplySpy();
    this.#carry(connection, near, far, (chunk) => spy.asked(chunk));
    this.#carry(connection, far, near, async (chunk) => {
      if (this.delayMs > 0) await pause(this.delayMs);
      return spy.answered(chunk);
    });
  }

  /** One chunk at a time: what waits, waits in the sender, and memory stays bounded. */
  #carry(
    connection: Connection,
    from: Socket,
    to: Socket,
    look: (chunk: Buffer) => Moment[] | Promise<Moment[]>,
  ): void {
    let last = Promise.resolve();
    const carry = async (chunk: Buffer) => {
      const fate = this.#fateAt(await look(chunk));
      if (fate === "cut") destroy(connection);
      if (fate === "hang") connection.gate.close();
      if (fate === "lose") lose(connection);
      await connection.gate.passed();
      if (to.destroyed) return;
      if (!to.write(chunk)) await Promise.race([once(to, "drain"), once(to, "close")]);
      from.resume();
    };
    from.on("data", (chunk: Buffer) => {
      from.pause();
      last = last.then(() => carry(chunk)).catch(() => destroy(connection));
    });
    from.on("error", () => {});
    from.on("end", () => void last.then(() => to.end()));
    from.on("close", () => {
      this.#connections.delete(connection);
      connection.gate.open();
      to.destroy();
    });
  }

  #fateAt(moments: Moment[]): Fate {
    let fate: Fate = "forward";
    for (const moment of moments) {
      const here = this.#traps.filter((trap) => trap.moment === moment);
      for (const trap of here) trap.passings -= 1;
      const sprung = here.find((trap) => trap.passings === 0);
      this.#traps = this.#traps.filter((trap) => trap.passings > 0);
      if (sprung !== undefined) fate = sprung.fate();
    }
    return fate;
  }
}

function destroy({ sockets }: Connection): void {
  for (const socket of sockets) socket.destroy();
}

function lose(connection: Connection): void {
  connection.dead = true;
  connection.gate.close();
}
