export { isDatabaseUrl, openSql, type Sql } from "./client.ts";
export { bytea, moment, nanos, transactionNo } from "./columns.ts";
export {
  type DatabaseRefusal,
  isUnavailable,
  refusedByDatabase,
  violatesUnique,
} from "./database-refusal.ts";
export { type EmbeddedPostgres, openEmbeddedPostgres } from "./embedded/open-embedded.ts";
export { alive } from "./embedded/postmaster.ts";
export { migrate } from "./migrate.ts";
export { type Reader, RestrictedReaders } from "./restricted-readers.ts";
