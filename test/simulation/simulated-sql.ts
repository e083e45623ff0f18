import type postgres from "postgres";
import type { Sql } from "../../src/postgres/index.ts";
import type { Random } from "./random.ts";
import type { Process, Scheduler } from "./scheduler.ts";
import type { Trace } from "./trace.ts";

const NEVER_ARRIVED = 0.02;
const ANSWER_LOST = 0.02;

/** What postgres.js throws when the connection breaks; whether the statement was done, nobody knows. */
export class ConnectionLost extends Error {
  override name = "ConnectionLost";
  readonly code = "CONNECTION_CLOSED";
}

/** What a query of postgres.js is underneath: lazy, sent by `handle`, answered through `resolve` or `reject`. */
interface QueryInside {
  strings: readonly string[];
  args: readonly unknown[];
  handle(): Promise<void>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

interface Parts {
  sql: Sql;
  scheduler: Scheduler;
  random: Random;
  trace: Trace;
}

interface Connection {
  lost: boolean;
  /** Set for a reserved connection: what the server does when it breaks. */
  atLoss?: () => Promise<void>;
}

/**
 * The real database behind a client whose every statement is a step: it waits for its turn, and may never arrive, or
 * arrive and its answer get lost. Statements run one at a time.
 */
export function simulateSql(parts: Parts): Sql {
  return client(parts, parts.sql, { lost: false });
}

function client<Client extends postgres.Sql>(parts: Parts, real: Client, connection: Connection): Client {
  return new Proxy(real, {
    apply(target, self, args) {
      const made: unknown = Reflect.apply(target, self, args);
      return made instanceof Promise ? delay(parts, connection, made) : made;
    },
    get(target, key) {
      if (key === "unsafe")
        return (...args: Parameters<Sql["unsafe"]>) => delay(parts, connection, target.unsafe(...args));
      if (key === "reserve") return () => reserve(parts);
      if (key === "binary") return { call: binaryCall(parts, connection) };
      if (key === "begin" || key === "listen" || key === "end")
        throw new Error(`sql.${key}() is not simulated`);
      return Reflect.get(target, key);
    },
  });
}

/** Advisory locks of a session end with its process, or with its connection. */
async function reserve(parts: Parts): Promise<postgres.ReservedSql> {
  const { scheduler } = parts;
  const { process } = scheduler.caller;
  return scheduler.step("takes a connection", async () => {
    const real = await parts.sql.reserve();
    let released = false;
    const giveBack = real.release;
    const release = () => {
      if (!released) giveBack();
      released = true;
    };
    const atLoss = async () => {
      if (!released) await real`SELECT pg_advisory_unlock_all()`;
    };
    process.atDeath.push(async () => {
      await atLoss();
      release();
    });
    const reserved = client(parts, real, { lost: false, atLoss });
    return Object.assign(reserved, { release });
  });
}

function binaryCall(parts: Parts, connection: Connection): Sql["binary"]["call"] {
  return <Row extends object>(...call: Parameters<Sql["binary"]["call"]>) => {
    const { process, observe } = parts.scheduler.caller;
    const sender = { connection, process, observe };
    const [name, , values] = call;
    const send = () => parts.sql.binary.call<Row>(...call);
    const answer = parts.scheduler.step(described(name, values), () => attempt(parts, sender, send));
    return answer as Promise<Row[]>;
  };
}

/** A fragment inside another query is never sent by itself, so it never comes here. */
function delay<T>(parts: Parts, connection: Connection, made: T): T {
  const query = made as QueryInside;
  const [resolve, reject, send] = [query.resolve, query.reject, query.handle];
  const { process, observe } = parts.scheduler.caller;
  let begun = false;
  const reallySend = () =>
    new Promise<unknown>((answered, refused) => {
      query.resolve = answered;
      query.reject = refused;
      void send.call(query);
    });
  query.handle = async () => {
    if (begun) return;
    begun = true;
    const statement = describeStatement(query);
    void parts.scheduler
      .step(statement, () => attempt(parts, { connection, process, observe }, reallySend))
      .then(resolve, reject);
  };
  return made;
}

interface Sender {
  connection: Connection;
  process: Process;
  observe: (() => Promise<void>) | undefined;
}

async function attempt(parts: Parts, sender: Sender, send: () => Promise<unknown>): Promise<unknown> {
  const { scheduler, random, trace } = parts;
  const { connection, observe } = sender;
  if (connection.lost) throw new ConnectionLost("the connection was lost before");
  if (scheduler.chaos && random.chance(NEVER_ARRIVED)) {
    trace.saw("a statement never arrived");
    return breakOff(connection, "the statement never arrived");
  }
  const [answer] = await Promise.allSettled([send()]);
  await observe?.().catch((error: unknown) => scheduler.fail(error));
  if (scheduler.chaos && random.chance(ANSWER_LOST)) {
    trace.saw("the answer of a statement was lost");
    return breakOff(connection, `the answer was lost: ${answer.status}`);
  }
  if (answer.status === "rejected") throw answer.reason;
  return answer.value;
}

async function breakOff(connection: Connection, message: string): Promise<never> {
  if (connection.atLoss !== undefined) {
    connection.lost = true;
    await connection.atLoss();
  }
  throw new ConnectionLost(message);
}

/** The beginning of the statement and its first short parameters: enough to follow a trace, and the same in each run. */
function describeStatement({ strings, args }: QueryInside): string {
  return described(strings.join("?").replace(/\s+/g, " ").trim().slice(0, 70), args);
}

function described(text: string, args: readonly unknown[]): string {
  const shown = args.filter((arg) => typeof arg !== "object" && String(arg).length <= 40).slice(0, 3);
  return `${text}${shown.length > 0 ? ` (${shown.join(", ")})` : ""}`;
}
