import pg from "pg";
import postgres from "postgres";

/** A refusal raised by one of our SQL functions (`refuse()` in drizzle/0002_catalog.sql). */
export interface DatabaseRefusal {
  code: string;
  detail: Record<string, string>;
}

/** What our own SQL function said when it refused; undefined for any other error. */
export function refusedByDatabase(error: unknown): DatabaseRefusal | undefined {
  if (!isFromDatabase(error) || error.code !== "TRIBU") return undefined;
  return { code: error.message, detail: JSON.parse(error.detail ?? "{}") };
}

/** A row with the same key was added to the table by another transaction, at the same time or before. */
export function violatesUnique(error: unknown, table: string): boolean {
  if (!isFromDatabase(error) || error.code !== "23505") return false;
  return (error instanceof pg.DatabaseError ? error.table : error.table_name) === table;
}

/** Of either driver. */
function isFromDatabase(error: unknown): error is postgres.PostgresError | pg.DatabaseError {
  return error instanceof postgres.PostgresError || error instanceof pg.DatabaseError;
}

/**
 * The database cannot do its work now, whatever it is asked: the connection is gone (08), it is full or out of memory
 * (53), shut down, starting or told to stop (57), broken below (58), or read-only (25006). Asking again later is right.
 */
export function isUnavailable(error: unknown): boolean {
  const { code } = (typeof error === "object" && error !== null ? error : {}) as { code?: unknown };
  return typeof code === "string" && /^(ECONN|EPIPE|CONNECT|(08|53|57|58)[0-9A-Z]{3}$|25006$)/.test(code);
}
