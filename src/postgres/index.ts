export { openSql, type Sql } from "./client.ts";
export { bytea, moment, nanos, transactionNo } from "./columns.ts";
export {
  type DatabaseRefusal,
  isUnavailable,
  refusedByDatabase,
  violatesUnique,
} from "./database-refusal.ts";
export { type EmbeddedPostgres, openEmbeddedPostgres } from "./embedded.ts";
export { migrate } from "./migrate.ts";
export { alive } from "./postmaster.ts";
export { type Reader, RestrictedReaders } from "./restricted-readers.ts";
