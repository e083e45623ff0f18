import { type MeteringCursor, meteringCursors, parkedWaiting } from "../../metering/index.ts";
import { openSql, type Sql } from "../../postgres/index.ts";
import type { LogExtent, UsageLog } from "../../usage/index.ts";

const ANSWER_WITHIN_MS = 2_000;

/** Why something could not be asked. */
export interface Trouble {
  trouble: string;
}

/** Where the log and metering stand, as far as they answered. */
export interface Reading {
  extent: LogExtent | Trouble;
  cursors: MeteringCursor[] | Trouble;
}

export interface WatchReader {
  /** Never throws, and answers within about two seconds. Calls at the same time share one reading. */
  read(): Promise<Reading>;
  /** How many events are parked now. As `read`. */
  waiting(): Promise<bigint | Trouble>;
  close(): Promise<void>;
}

interface Session {
  sql: Sql;
  log: Promise<Pick<UsageLog, "extent">>;
}

/**
 * Reads on two connections of its own: those of the process may all be waiting for what is being watched. After
 * a failure they are thrown away, since one that hangs would hang for minutes.
 */
export function openWatchReader(url: string, openLog: (sql: Sql) => Promise<UsageLog>): WatchReader {
  let session: Session | undefined;
  let reading: Promise<Reading> | undefined;
  let counting: Promise<bigint | Trouble> | undefined;

  function current(): Session {
    if (session !== undefined) return session;
    const sql = openSql(url, { max: 2, name: "tributary-watch" });
    session = { sql, log: openLog(sql) };
    // Whoever reads from it learns of the failure.
    session.log.catch(() => {});
    return session;
  }

  async function discard(failed: Session): Promise<void> {
    if (session === failed) session = undefined;
    await failed.sql.end({ timeout: 0 }).catch(() => {});
  }

  async function readNow(): Promise<Reading> {
    const asked = current();
    const [extent, cursors] = await Promise.all([
      answerOf(asked.log.then((log) => log.extent())),
      answerOf(meteringCursors(asked.sql)),
    ]);
    if (isTrouble(extent) || isTrouble(cursors)) void discard(asked);
    return { extent, cursors };
  }

  return {
    read() {
      reading ??= readNow().finally(() => {
        reading = undefined;
      });
      return reading;
    },
    waiting() {
      counting ??= answerOf(parkedWaiting(current().sql)).finally(() => {
        counting = undefined;
      });
      return counting;
    },
    async close() {
      if (session !== undefined) await discard(session);
    },
  };
}

export function isTrouble(answer: unknown): answer is Trouble {
  return typeof answer === "object" && answer !== null && "trouble" in answer;
}

async function answerOf<T>(asked: Promise<T>): Promise<T | Trouble> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Trouble>((resolve) => {
    timer = setTimeout(
      () => resolve({ trouble: `no answer within ${ANSWER_WITHIN_MS / 1000} s` }),
      ANSWER_WITHIN_MS,
    );
  });
  try {
    return await Promise.race([asked, late]);
  } catch (error) {
    return { trouble: rootOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** The first cause, as its code where it has one: messages of others may be long, or say too much. */
function rootOf(error: unknown): string {
  if (!(error instanceof Error)) return "an unknown error";
  const [first] = error instanceof AggregateError ? error.errors : [];
  const cause = error.cause ?? first;
  if (cause instanceof Error) return rootOf(cause);
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
