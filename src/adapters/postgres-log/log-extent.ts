import { assert, present } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { LogExtent } from "../../usage/index.ts";

interface Row {
  log_id: string;
  partition: number;
  log_start: string;
  log_end: string;
}

/** A partition without records begins where it ends. */
export async function logExtent(sql: Sql): Promise<LogExtent> {
  const rows = await sql<Row[]>`
    SELECT l.id::text AS log_id, p.partition, p.next_offset::text AS log_end,
      coalesce(
        (SELECT r."offset" FROM usage_log_record r WHERE r.partition = p.partition ORDER BY r."offset" LIMIT 1),
        p.next_offset
      )::text AS log_start
    FROM usage_log l, usage_log_partition p
    ORDER BY p.partition`;
  assert(rows.length > 0, "the usage log has an identity and partitions");
  return {
    logId: present(rows[0], "the first partition").log_id,
    partitions: rows.map(({ partition, log_start, log_end }) => ({
      partition,
      start: BigInt(log_start),
      end: BigInt(log_end),
    })),
  };
}
