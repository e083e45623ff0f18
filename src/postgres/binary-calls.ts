import type { Socket } from "node:net";
import pg from "pg";
import type postgres from "postgres";
import { assert } from "../kernel/index.ts";

/** Text in PostgreSQL's form of the type, or the bytes of the type's binary form. */
export type CallValue = string | Buffer | null;

/**
 * Whoever calls gives up soon after. The statement has to end as well: it would hold its locks, and the next attempt would wait for
 * them, and the one after that.
 */
const STATEMENT_TIMEOUT = "25s";

/**
 * Statements with values in binary form. For arrays of tens of thousands: postgres.js sends every value as text, and writing and
 * reading that text was a fifth of what a metering batch costs the database. Uses connections of its own, to the same server
 * with the same settings.
 */
export class BinaryCalls {
  readonly #pool: pg.Pool;
  readonly #clients = new Set<pg.ClientBase>();

  constructor(options: postgres.Sql["options"]) {
    const { max, connect_timeout, idle_timeout, connection } = options;
    this.#pool = new pg.Pool({
      ...addressOf(options),
      max,
      connectionTimeoutMillis: 1000 * connect_timeout,
      idleTimeoutMillis: 1000 * (idle_timeout ?? 0),
      keepAlive: true,
      onConnect: async (client) => {
        this.#clients.add(client);
        bindWithoutCopies(client);
        client.once("end", () => this.#clients.delete(client));
        await client.query(settingConnection({ ...connection, statement_timeout: STATEMENT_TIMEOUT }));
      },
    });
    // Of a connection that nobody uses just now: the next call opens another.
    this.#pool.on("error", () => {});
  }

  /**
   * One statement, prepared once in each connection under its name.
   * @param timeoutMs after which its connection is cut off: one that hangs would be missing for ever
   * @throws what the database refuses, or that it cannot be reached
   */
  async call<Row extends object>(
    name: string,
    text: string,
    values: CallValue[],
    timeoutMs?: number,
  ): Promise<Row[]> {
    const statement = { name, text, values, ...(timeoutMs !== undefined && { query_timeout: timeoutMs }) };
    return (await this.#pool.query<Row>(statement)).rows;
  }

  /** @param timeout seconds after which what is under way is cut off; undefined waits */
  async end(timeout: number | undefined): Promise<void> {
    const patience =
      timeout === undefined ? undefined : setTimeout(() => this.#clients.forEach(cutOff), 1000 * timeout);
    await this.#pool.end().finally(() => clearTimeout(patience));
  }
}

/** What postgres.js made of the URL and the environment, so that both go to the same server. Of several hosts, the first. */
function addressOf({ host, port, database, user, pass, ssl }: postgres.Sql["options"]): pg.ClientConfig {
  const password: string | null = pass;
  const verified = ssl === "verify-full" || (typeof ssl === "object" && ssl);
  return {
    host: host[0],
    port: port[0],
    database,
    user,
    password: password ?? "",
    ssl: verified || (ssl ? { rejectUnauthorized: false } : false),
  };
}

function settingConnection(settings: Record<string, unknown>): { text: string; values: string[] } {
  const entries = Object.entries(settings);
  const calls = entries.map((_, n) => `set_config($${2 * n + 1}, $${2 * n + 2}, false)`);
  return {
    text: `SELECT ${calls.join(", ")}`,
    values: entries.flatMap(([name, value]) => [name, String(value)]),
  };
}

/** What pg 8 keeps of a connection beyond its published type (lib/connection.js). */
interface Connection {
  stream: Socket;
  bind(message: { portal?: string; statement?: string; values: CallValue[] }): void;
}

function connectionOf(client: pg.ClientBase): Connection {
  return (client as unknown as { connection: Connection }).connection;
}

function cutOff(client: pg.ClientBase): void {
  connectionOf(client).stream.destroy();
}

/**
 * pg writes a message into one buffer, made wider again and again: of six megabytes of arrays that is more than twice as much memory touched
 * and copied. The values go to the socket as they are.
 */
function bindWithoutCopies(client: pg.ClientBase): void {
  const connection = connectionOf(client);
  assert(typeof connection.bind === "function", "pg's connections bind");
  connection.bind = ({ portal = "", statement = "", values }) => {
    const { stream } = connection;
    // Who calls has corked it: all parts leave together.
    if (stream.writable) for (const part of bindMessage(portal, statement, values)) stream.write(part);
  };
}

const BIND = 0x42;
const [TEXT, BINARY] = [0, 1];
const NULL_LENGTH = -1;

/** Its parts, one behind the other; https://www.postgresql.org/docs/18/protocol-message-formats.html */
function bindMessage(portal: string, statement: string, values: CallValue[]): Buffer[] {
  const bytes = values.map((value) => (typeof value === "string" ? Buffer.from(value) : value));
  const formats = values.map((value) => (typeof value === "string" ? TEXT : BINARY));
  const names = Buffer.from(`${portal}\0${statement}\0`);
  const parts = [names, int16s(values.length, ...formats, values.length)];
  for (const value of bytes) {
    parts.push(int32(value === null ? NULL_LENGTH : value.length));
    if (value !== null) parts.push(value);
  }
  parts.push(int16s(1, TEXT));
  const length = parts.reduce((sum, part) => sum + part.length, 4);
  return [Buffer.from([BIND]), int32(length), ...parts];
}

function int16s(...numbers: number[]): Buffer {
  const bytes = Buffer.allocUnsafe(2 * numbers.length);
  for (const [n, number] of numbers.entries()) bytes.writeInt16BE(number, 2 * n);
  return bytes;
}

function int32(number: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(number);
  return bytes;
}
