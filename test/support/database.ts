import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { inject } from "vitest";
import { migrate, openSql, type Sql } from "../../src/postgres/index.ts";

export interface TestDatabase {
  url: string;
  sql: Sql;
  drop(): Promise<void>;
}

const TEMPLATE_LOCK = 424_242;
const MIGRATIONS = new URL("../../drizzle/", import.meta.url);

/** A database of its own with the product's schema, on the run's PostgreSQL. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const base = new URL(inject("postgresUrl"));
  const admin = openSql(base.href, { max: 1 });
  const name = `test_${randomBytes(8).toString("hex")}`;
  try {
    const template = await migratedTemplate(admin, base);
    await admin.unsafe(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  } finally {
    await admin.end();
  }
  const url = urlOf(base, name);
  const sql = openSql(url, { max: 10 });
  const drop = async () => {
    await sql.end({ timeout: 5 });
    const dropper = openSql(base.href, { max: 1 });
    await dropper.unsafe(`DROP DATABASE ${name} WITH (FORCE)`);
    await dropper.end();
  };
  return { url, sql, drop };
}

/** Migrated once, copied for every test file; a server of TEST_DATABASE_URL keeps it until the migrations change. */
async function migratedTemplate(admin: Sql, base: URL): Promise<string> {
  const template = `tributary_template_${await migrationsHash()}`;
  await admin`SELECT pg_advisory_lock(${TEMPLATE_LOCK})`;
  try {
    const found = await admin`SELECT FROM pg_database WHERE datname = ${template} AND datistemplate`;
    if (found.length > 0) return template;
    await admin.unsafe(`DROP DATABASE IF EXISTS ${template}`);
    await admin.unsafe(`CREATE DATABASE ${template}`);
    await migrate(urlOf(base, template));
    await admin.unsafe(`ALTER DATABASE ${template} IS_TEMPLATE true`);
    return template;
  } finally {
    await admin`SELECT pg_advisory_unlock(${TEMPLATE_LOCK})`;
  }
}

async function migrationsHash(): Promise<string> {
  const hash = createHash("sha256");
  for (const name of (await readdir(MIGRATIONS)).filter((file) => file.endsWith(".sql")).sort())
    hash.update(await readFile(new URL(name, MIGRATIONS)));
  return hash.digest("hex").slice(0, 16);
}

function urlOf(base: URL, database: string): string {
  const url = new URL(base);
  url.pathname = `/${database}`;
  return url.href;
}

const ODD_DEFAULTS = {
  default_transaction_isolation: "serializable",
  bytea_output: "escape",
  DateStyle: "SQL, DMY",
  TimeZone: "Pacific/Kiritimati",
  standard_conforming_strings: "off",
  synchronous_commit: "off",
};

/** Makes what our functions do not expect the defaults of this database, for sessions that begin from now on. Answers their names. */
export async function setOddDefaults(sql: Sql): Promise<string[]> {
  const [{ name }] = await sql<[{ name: string }]>`SELECT current_database() AS name`;
  for (const [setting, value] of Object.entries(ODD_DEFAULTS))
    await sql.unsafe(`ALTER DATABASE ${name} SET ${setting} = '${value}'`);
  return Object.keys(ODD_DEFAULTS);
}
