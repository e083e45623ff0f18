let listening = false;

/**
 * postgres.js asks every new connection for the array types, and nobody waits for that query: when the connection
 * dies just then, its failure would end the process as an unhandled rejection. The query that the connection was
 * opened for fails as it should, to whoever waits for it. Every other unhandled rejection still ends the process.
 */
export function forgiveLostTypeQueries(): void {
  if (listening) return;
  listening = true;
  process.on("unhandledRejection", (error) => {
    if (!isTypeQuery(error)) throw error;
  });
}

/** postgres.js notes on an error the text of the query it met first. */
function isTypeQuery(error: unknown): boolean {
  if (!(error instanceof Error) || !("query" in error)) return false;
  return typeof error.query === "string" && error.query.includes("from pg_catalog.pg_type a");
}
