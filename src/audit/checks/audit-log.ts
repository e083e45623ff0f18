import { createHash } from "node:crypto";
import { type Check, DIFFERENCES_MAX } from "../check.ts";

const ROWS_AT_ONCE = 2_000;
const field = (text: string) => `${Buffer.byteLength(text)}:${text}`;

interface EntryRow {
  entry_no: string;
  fields: string[];
  hash: string;
}

/** Computes every hash anew, from the rows as they stand and not with the function that wrote them. */
export const auditLogChained: Check = {
  law: "every entry of the audit log is the hash of itself and of everything before it, up to the head",
  async find(sql) {
    const differences: string[] = [];
    let [before, last] = ["", 0n];
    for (;;) {
      const rows = await sql<EntryRow[]>`
        SELECT entry_no::text, hash, ARRAY[entry_no::text, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
          principal, role, coalesce(session, ''), request_id, route, target, status::text, coalesce(code, ''),
          coalesce(before::text, ''), coalesce(asked::text, ''), coalesce(after::text, '')] AS fields
        FROM audit_entry WHERE entry_no > ${String(last)} ORDER BY audit_entry.entry_no LIMIT ${ROWS_AT_ONCE}`;
      for (const row of rows) {
        const missing = BigInt(row.entry_no) !== last + 1n ? `: entry ${last + 1n} is missing before it` : "";
        const hash = createHash("sha256")
          .update([before, ...row.fields].map(field).join(""))
          .digest("hex");
        const wrong = hash === row.hash ? "" : `: says ${row.hash}, it and what is before it ${hash}`;
        if (missing !== "" || wrong !== "") differences.push(`audit entry ${row.entry_no}${missing}${wrong}`);
        // From the stored one on: otherwise one change would show at every later entry.
        before = row.hash;
        last = BigInt(row.entry_no);
      }
      if (rows.length < ROWS_AT_ONCE || differences.length >= DIFFERENCES_MAX) break;
    }
    const heads = await sql<
      { entry_no: string; hash: string }[]
    >`SELECT entry_no::text, hash FROM audit_head`;
    const [head] = heads;
    if (heads.length !== 1 || head?.entry_no !== String(last) || head.hash !== before)
      differences.push(
        `audit head: says entry ${head?.entry_no} ${head?.hash}; the last audit entry is ${last} ${before}`,
      );
    return differences.slice(0, DIFFERENCES_MAX);
  },
};
