import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { DeadlinePassed, stopwatch, withinDeadline } from "../kernel/index.ts";
import { migrate, openEmbeddedPostgres, openSql, type Sql } from "../postgres/index.ts";
import { CannotStart, type Config } from "./config.ts";
import { forgiveLostTypeQueries } from "./lost-type-queries.ts";

const POOL_MAX = 12;
const PAUSE_MS = 500;
/** A connection that is closed before it greets is opened again by the driver, for ever. */
const ANSWER_WITHIN_MS = 20_000;

/**
 * The database of the configuration, at this version's schema: the one it names, or the data folder's own.
 * @throws CannotStart when the one that it names does not answer, or does not take us
 */
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
    throw embedded === undefined ? (hindranceOf(error) ?? error) : error;
  }
  const sql = openSql(url, { max: POOL_MAX, name });
  const close = async () => {
    await sql.end({ timeout: 5 });
    await embedded?.close();
  };
  return { sql, url, close };
}

/**
 * Waits until the database that DATABASE_URL names answers: whoever starts both at once starts neither first. What no
 * waiting mends, a wrong password say, is not waited for. Answers false when `stopped` came first.
 * @throws CannotStart after DATABASE_WAIT_SECONDS
 */
export async function awaitDatabase(
  { DATABASE_URL: url, DATABASE_WAIT_SECONDS: seconds }: Config,
  logger: Logger,
  stopped: Promise<unknown>,
): Promise<boolean> {
  if (url === undefined) return true;
  forgiveLostTypeQueries();
  const waitedMs = stopwatch();
  const ended = stopped.then(() => "stopped" as const);
  for (let isFirst = true; ; isFirst = false) {
    const trouble = await Promise.race([troubleOf(url), ended]);
    if (trouble === undefined || trouble === "stopped") return trouble === undefined;
    if (!mayPass(trouble) || waitedMs() >= seconds * 1000) throw hindranceOf(trouble) ?? trouble;
    if (isFirst) logger.warn({ seconds, err: trouble.message }, "the database does not answer yet: waiting");
    await Promise.race([pause(PAUSE_MS), ended]);
  }
}

async function troubleOf(url: string): Promise<Error | undefined> {
  const sql = openSql(url, { max: 1, name: "tributary-waiting" });
  try {
    await withinDeadline("an answer", ANSWER_WITHIN_MS, sql`SELECT`);
    return undefined;
  } catch (error) {
    return error as Error;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Of the network and of PostgreSQL: it is not there, or starts, or has no connection left. */
const PASSING =
  /^(E(CONN|PIPE|TIMEDOUT|NOTFOUND|AI_AGAIN|HOSTUNREACH|HOSTDOWN|NETUNREACH)|CONNECT|08...$|53...$|57...$)/;

function mayPass(error: unknown): boolean {
  return error instanceof DeadlinePassed || PASSING.test(codeOf(error));
}

/** In a line, by the class of PostgreSQL's code; nothing that only we can mend. */
function hindranceOf(error: unknown): CannotStart | undefined {
  const advice = mayPass(error)
    ? "start it, or correct host and port in DATABASE_URL"
    : adviceOn(codeOf(error));
  if (advice === undefined) return undefined;
  const said = (causeOf(error) as Error).message || codeOf(error);
  return new CannotStart(`the database of DATABASE_URL cannot be used: ${said}\n  ${advice}`, {
    cause: error,
  });
}

function adviceOn(code: string): string | undefined {
  if (code.startsWith("28"))
    return "correct user and password in DATABASE_URL, or what the server lets in (pg_hba.conf)";
  if (code === "3D000") return "create it, or correct the database's name in DATABASE_URL";
  if (code === "42501") return "let the user of DATABASE_URL own its database, or name another user";
  if (code === "25006") return "it takes no writes: name the primary in DATABASE_URL, not a replica";
  return undefined;
}

function codeOf(error: unknown): string {
  const { code } = causeOf(error) as { code?: unknown };
  return typeof code === "string" ? code : "";
}

/** Drizzle wraps what a migration's statement met. */
function causeOf(error: unknown): object {
  if (!(error instanceof Error)) return {};
  return error.cause instanceof Error && !("code" in error) ? error.cause : error;
}
