import postgres from "postgres";
import { BinaryCalls } from "./binary-calls.ts";

export interface Sql extends postgres.Sql {
  /** Calls with values in binary form. A reserved connection has none: they would be made elsewhere. */
  binary: Pick<BinaryCalls, "call">;
  /** Whose rows are seen: what was read over one pool is what another one of the same scope would read. */
  scope: string;
}

let pools = 0;

/**
 * A pool of connections. Everything that moves money or the cursor is one statement, one call of a database function:
 * postgres.js may let two begin() share a connection, and go on outside a transaction whose connection died
 * (porsager/postgres #1204, #1189, #823). So there is no begin() in this code.
 * bigint and numeric arrive as strings; parse them at the edge into bigint.
 */
export function openSql(
  url: string,
  options: { max?: number; name?: string; settings?: Record<string, string>; scope?: string } = {},
): Sql {
  const sql = postgres(url, {
    max: options.max ?? 10,
    connect_timeout: 15,
    idle_timeout: 60,
    // Seconds before connecting again: short, so that the end of an outage is noticed.
    backoff: (attempt: number) => Math.min(2 ** attempt / 100, 1),
    onnotice: () => {},
    connection: {
      application_name: options.name ?? "tributary",
      // Whatever somebody made the default of the server, the database or the role.
      TimeZone: "UTC",
      DateStyle: "ISO, MDY",
      bytea_output: "hex",
      standard_conforming_strings: "on",
      // A statement sees what was committed before the locks that it waited for: our functions take the lock first, and then look.
      default_transaction_isolation: "read committed",
      // What is answered is durable: usage that was acknowledged, a payment that is about to be asked for.
      synchronous_commit: "on",
      // Compiling a query took longer here than any of them takes. In words: the driver leaves out what is false.
      jit: "off",
      ...options.settings,
    },
    types: {
      // A day is text, "2023-11-01": a JavaScript date would put a time zone on it.
      day: { to: 1082, from: [1082], serialize: (value: string) => value, parse: (value: string) => value },
    },
  });
  const endPool = sql.end;
  const binary = new BinaryCalls(sql.options);
  pools += 1;
  return Object.assign(sql, {
    binary,
    scope: options.scope ?? `pool ${pools}`,
    end: async (ending?: { timeout?: number }) => {
      await Promise.all([endPool(ending), binary.end(ending?.timeout)]);
    },
  });
}

/** Whether the driver can read it: a URL whose user and password are percent-encoded where they must be. */
export function isDatabaseUrl(text: string): boolean {
  if (!/^postgres(ql)?:\/\/[^\s]+$/.test(text)) return false;
  try {
    openSql(text, { max: 1 });
    return true;
  } catch {
    return false;
  }
}
