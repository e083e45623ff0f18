import { migrate, openEmbeddedPostgres, openSql, type Sql } from "../postgres/index.ts";
import type { Config } from "./config.ts";
import { forgiveLostTypeQueries } from "./lost-type-queries.ts";

const POOL_MAX = 12;

/** The database of the configuration, at this version's schema: the one it names, or the data folder's own. */
export async function openDatabase(
  config: Config,
  name: string,
): Promise<{ sql: Sql; url: string; close: () => Promise<void> }> {
  forgiveLostTypeQueries();
  const embedded =
    config.DATABASE_URL === undefined ? await openEmbeddedPostgres({ dataDir: config.DATA_DIR }) : undefined;
  const url = config.DATABASE_URL ?? embedded?.url ?? "";
  try {
    await migrate(url);
  } catch (error) {
    await embedded?.close();
    throw error;
  }
  const sql = openSql(url, { max: POOL_MAX, name });
  const close = async () => {
    await sql.end({ timeout: 5 });
    await embedded?.close();
  };
  return { sql, url, close };
}
