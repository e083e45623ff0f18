import { Refusal } from "../../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../../postgres/index.ts";
import { type MissingRecords, missingText, type UsageLog } from "../../usage/index.ts";
import { positionsOf } from "../progress.ts";
import { meteringCursors } from "../queries.ts";

/** One partition of the log and its cursor, and what was lost between them. */
export interface PartitionState {
  partition: number;
  log: { id: string; start: bigint; end: bigint };
  /** Null before the partition is claimed for the first time. */
  cursor: { logId: string; offset: bigint } | null;
  /** Why metering cannot go on by itself; null when it can. */
  broken: string | null;
  /** The records that were never metered and are not in the log any more; null when there are none, or nobody can know. */
  lost: MissingRecords | null;
  accepted: AcceptedLoss[];
}

export interface AcceptedLoss {
  fromLogId: string;
  fromOffset: string;
  toLogId: string;
  toOffset: string;
  reason: string;
  acceptedBy: string;
  acceptedAt: Date;
}

/** Every partition of the log, with what people accepted of it before, the oldest first. */
export async function partitionStates(sql: Sql, log: UsageLog): Promise<PartitionState[]> {
  // The cursors first: metering goes on meanwhile, and none of them may seem to stand beyond the log's end.
  const cursors = await meteringCursors(sql);
  const extent = await log.extent();
  const losses = await sql<(AcceptedLoss & { partition: number })[]>`
    SELECT partition, from_log_id AS "fromLogId", from_offset::text AS "fromOffset", to_log_id AS "toLogId",
      to_offset::text AS "toOffset", reason, accepted_by AS "acceptedBy", accepted_at AS "acceptedAt"
    FROM log_loss ORDER BY log_loss_no`;
  const gaps = await missingRecordsAtCursors(sql, extent.logId);
  const broken = new Map(positionsOf(extent, cursors).map((each) => [each.partition, each.broken]));
  return extent.partitions.map(({ partition, start, end }) => {
    const cursor = cursors.find((each) => each.partition === partition);
    const overtaken = cursor !== undefined && cursor.logId === extent.logId && cursor.next < start;
    const gap = gaps.get(partition) ?? null;
    return {
      partition,
      log: { id: extent.logId, start, end },
      cursor: cursor === undefined ? null : { logId: cursor.logId, offset: cursor.next },
      broken: broken.get(partition) ?? (gap && missingText(gap)),
      lost: overtaken ? { from: cursor.next, until: start } : gap,
      accepted: losses.filter((loss) => loss.partition === partition),
    };
  });
}

/** What a worker saw missing right behind a cursor of this log. Once the cursor stands elsewhere, it says nothing any more. */
async function missingRecordsAtCursors(sql: Sql, logId: string): Promise<Map<number, MissingRecords>> {
  const rows = await sql<{ partition: number; from: string; until: string }[]>`
    SELECT partition, g.from_offset::text AS "from", g.until_offset::text AS "until"
    FROM log_gap g JOIN metering_cursor c USING (partition, log_id)
    WHERE log_id = ${logId} AND c.next_offset = g.from_offset`;
  return new Map(
    rows.map(({ partition, from, until }) => [partition, { from: BigInt(from), until: BigInt(until) }]),
  );
}

/** Writes down what a worker saw missing within a log, so that a person may accept it. */
export async function noteMissingRecords(
  sql: Sql,
  logId: string,
  partition: number,
  { from, until }: MissingRecords,
): Promise<void> {
  await sql`SELECT note_log_gap(${logId}, ${partition}, ${from.toString()}, ${until.toString()})`;
}

/**
 * Says that what the log lost is lost: metering of the partition goes on behind what is missing; where nobody can know what is,
 * at the log's start, which repeats what was metered before rather than pass anything over. The worker that raised the alarm goes on when it is started again.
 * @param seen the cursor as whoever accepts it saw it
 * @throws Refusal not_found, or log_loss_changed when nothing is broken there, or the cursor stands elsewhere by now
 */
export async function acceptLogLoss(
  sql: Sql,
  log: UsageLog,
  partition: number,
  seen: { logId: string; offset: bigint },
  { reason, by }: { reason: string; by: string },
): Promise<void> {
  const state = (await partitionStates(sql, log)).find((each) => each.partition === partition);
  if (state === undefined) throw new Refusal("not_found", `the usage log has no partition ${partition}`);
  if (state.broken === null)
    throw new Refusal("log_loss_changed", `nothing is lost in partition ${partition}: metering can go on`);
  try {
    await sql`SELECT accept_log_loss(${partition}, ${seen.logId}, ${seen.offset.toString()}, ${state.log.id},
      ${(state.lost?.until ?? state.log.start).toString()}, ${reason}, ${by})`;
  } catch (error) {
    if (refusedByDatabase(error)?.code !== "log_loss_changed") throw error;
    throw new Refusal(
      "log_loss_changed",
      `the cursor of partition ${partition} stands elsewhere by now: look at GET /v1/metering/partitions again`,
    );
  }
}
