import { buildBatch, placeInLog, rawEvents } from "../../metering/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { LogRecord } from "../../usage/index.ts";
import { type Check, DIFFERENCES_MAX, sqlCheck } from "../check.ts";

const RECORDS_AT_ONCE = 200;

export const partitionsFromRecords = sqlCheck(
  "every partition of the usage log ends after its last record, and metering stands inside it",
  // Records that a person accepted as lost need not be there.
  `WITH lost AS (
     SELECT partition, from_offset, to_offset FROM log_loss JOIN usage_log l ON l.id::text = from_log_id
     WHERE to_log_id = from_log_id AND to_offset > from_offset),
   found AS (
     SELECT partition, min("offset") AS first, max("offset") AS last, count(*) AS n, count(*) FILTER (WHERE NOT EXISTS (
       SELECT FROM lost WHERE lost.partition = r.partition AND r."offset" >= from_offset AND r."offset" < to_offset)) AS kept
     FROM usage_log_record r GROUP BY 1),
   expected AS (
     SELECT f.*, last - first + 1 - coalesce((
       SELECT sum(greatest(0, least(to_offset, last + 1) - greatest(from_offset, first))) FROM lost WHERE lost.partition = f.partition), 0) AS expected
     FROM found f)
   SELECT format('usage log partition %s: ends at %s, its records %s to %s are %s', partition, p.next_offset, r.first, r.last, r.n) AS difference
   FROM usage_log_partition p FULL JOIN expected r USING (partition)
   WHERE p.next_offset IS DISTINCT FROM coalesce(r.last + 1, p.next_offset) OR r.kept <> r.expected
   UNION ALL
   SELECT format('metering cursor %s: stands at %s, the log ends at %s', partition, c.next_offset, p.next_offset)
   FROM metering_cursor c JOIN usage_log l ON l.id::text = c.log_id LEFT JOIN usage_log_partition p USING (partition)
   WHERE c.next_offset > coalesce(p.next_offset, 0)
   UNION ALL
   SELECT format('metering cursor %s: belongs to the log %s, the usage log is %s', c.partition, c.log_id, l.id) FROM metering_cursor c CROSS JOIN usage_log l
   WHERE c.log_id <> l.id::text AND EXISTS (SELECT FROM usage_log_record)`,
);

/** Only for the log in PostgreSQL, and for what is still in it: Kafka's records are Kafka's. */
export const recordsAreMetered: Check = {
  law: "every record of the usage log before the cursor is metered as it reads, or in the dead letters as it stands",
  async find(sql) {
    const differences: string[] = [];
    const cursors = await sql<{ partition: number; next: string; consumed: string; first: string | null }[]>`
      SELECT c.partition, c.next_offset::text AS next, c.consumed::text,
        (SELECT min("offset")::text FROM usage_log_record r WHERE r.partition = c.partition) AS first
      FROM metering_cursor c JOIN usage_log l ON l.id::text = c.log_id`;
    for (const { partition, next, consumed, first } of cursors) {
      if (first === null) continue;
      let events = 0;
      for (let from = BigInt(first); from < BigInt(next) && differences.length < DIFFERENCES_MAX; ) {
        const records = await readRecords(sql, partition, from, BigInt(next));
        if (records.length === 0) break;
        events += await compare(sql, partition, records, differences);
        from = (records.at(-1)?.offset ?? from) + 1n;
      }
      if (first === "0" && BigInt(consumed) !== BigInt(events))
        differences.push(
          `metering cursor ${partition}: ${consumed} consumed, its records have ${events} events`,
        );
    }
    return differences.slice(0, DIFFERENCES_MAX);
  },
};

async function readRecords(sql: Sql, partition: number, from: bigint, until: bigint): Promise<LogRecord[]> {
  const rows = await sql<{ offset: string; value: Buffer; appended_at: Date }[]>`
    SELECT "offset"::text, value, appended_at FROM usage_log_record
    WHERE partition = ${partition} AND "offset" >= ${from.toString()} AND "offset" < ${until.toString()}
    ORDER BY usage_log_record."offset" LIMIT ${RECORDS_AT_ONCE}`;
  return rows.map(({ offset, value, appended_at }) => ({
    offset: BigInt(offset),
    value,
    appendedAt: appended_at,
  }));
}

/** Adds what differs; answers how many events the records have. */
async function compare(
  sql: Sql,
  partition: number,
  records: LogRecord[],
  differences: string[],
): Promise<number> {
  const batch = buildBatch(records);
  const { events } = batch;
  const identities = Array.from({ length: events.size }, (_, row) => events.identity.hexOf(row));
  const contents = await contentsOf(sql, identities);
  const letters = await lettersOf(sql, partition, records);
  const rawOf = rawEvents(records, events);
  const places = [
    ...identities.map((identity, row) => {
      const { offset, index } = placeInLog(records, events, row);
      return {
        place: `${offset}/${index}`,
        letter: () => `conflict ${rawOf(row).toString("base64")}`,
        metered: contents.get(identity) === events.content.bigIntOf(row).toString(),
        known: contents.has(identity),
      };
    }),
    ...batch.dead.map(({ o, x, reason, raw }) => ({
      place: `${o}/${x}`,
      letter: () => `${reason} ${raw}`,
      metered: false,
      known: true,
    })),
  ];
  const [floor] = await sql<{ raised: boolean }[]>`SELECT block_no > 0 AS raised FROM identity_floor`;
  for (const { place, letter: expected, metered, known } of places) {
    const letter = letters.get(place);
    letters.delete(place);
    const said = `usage log record ${partition}/${place}`;
    // One that was too old to be told from a repeat is refused by a setting that is not known here.
    if (letter !== undefined && letter.replace(/^time_too_old/, "conflict") !== expected())
      differences.push(`${said}: its dead_letter has another reason or other bytes`);
    // What is forgotten cannot be asked for any more.
    if (letter === undefined && !metered && (known || floor?.raised !== true))
      differences.push(`${said}: not metered as it reads, and not in the dead letters`);
  }
  for (const place of letters.keys())
    differences.push(`dead_letter of ${partition}/${place}: the usage log has no such event`);
  return batch.consumed;
}

async function contentsOf(sql: Sql, identities: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql<{ identity: string; content: string }[]>`
    SELECT replace(identity::text, '-', '') AS identity, content::text FROM usage_identity
    WHERE identity = ANY (${identities}::uuid[])`;
  return new Map(rows.map(({ identity, content }) => [identity, content]));
}

async function lettersOf(sql: Sql, partition: number, records: LogRecord[]): Promise<Map<string, string>> {
  const rows = await sql<{ place: string; reason: string; raw: Buffer }[]>`
    SELECT log_offset || '/' || log_index AS place, reason, raw FROM dead_letter JOIN usage_log l ON l.id::text = log_id
    WHERE partition = ${partition} AND log_offset = ANY (${records.map(({ offset }) => offset.toString())}::text[]::bigint[])`;
  return new Map(rows.map(({ place, reason, raw }) => [place, `${reason} ${raw.toString("base64")}`]));
}
