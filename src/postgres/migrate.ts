import { drizzle } from "drizzle-orm/postgres-js";
import { migrate as runMigrations } from "drizzle-orm/postgres-js/migrator";
import { openSql } from "./client.ts";

const MIGRATIONS = new URL("../../drizzle", import.meta.url).pathname;
/** Advisory lock of migrating: several processes may start at once on one database. */
const MIGRATION_LOCK = 7000;

/** Brings the database to this version's schema. Safe to run beside others and again. */
export async function migrate(url: string): Promise<void> {
  // A client of its own: Drizzle changes date parsing on the client it is given (drizzle-orm #5789).
  const sql = openSql(url, { max: 1, name: "tributary-migrate" });
  try {
    await sql`SELECT pg_advisory_lock(${MIGRATION_LOCK})`;
    await runMigrations(drizzle(sql), { migrationsFolder: MIGRATIONS });
  } finally {
    await sql.end();
  }
}
