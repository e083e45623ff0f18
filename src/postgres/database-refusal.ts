import postgres from "postgres";

/** A refusal raised by one of our SQL functions (`refuse()` in drizzle/0002_catalog.sql). */
export interface DatabaseRefusal {
  code: string;
  detail: Record<string, string>;
}

/** What our own SQL function said when it refused; undefined for any other error. */
export function refusedByDatabase(error: unknown): DatabaseRefusal | undefined {
  if (!(error instanceof postgres.PostgresError) || error.code !== "TRIBU") return undefined;
  return { code: error.message, detail: JSON.parse(error.detail ?? "{}") };
}
