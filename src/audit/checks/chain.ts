import { createHash } from "node:crypto";
import type { SealExport } from "../../ledger/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { type Check, DIFFERENCES_MAX, sqlCheck } from "../check.ts";

/** One field of the canonical text that is hashed: its length in bytes, a colon, itself. */
const field = (text: string) => `${Buffer.byteLength(text)}:${text}`;
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

interface LinkRow {
  chain_no: string;
  hash: string;
  /** Null when the entry is gone. */
  key: string | null;
  fields: string[];
  /** Path and amount of each posting, in order. */
  postings: string[] | null;
}

const ROWS_AT_ONCE = 2_000;

/** Computes every hash anew, from the rows as they stand and not with the functions that wrote them. */
export const chainHashes: Check = {
  law: "every link of the chain is the hash of its entry and of everything before it",
  async find(sql) {
    const differences: string[] = [];
    let [before, next] = ["", 1n];
    for await (const rows of linkRows(sql)) {
      for (const row of rows) {
        const said = `link ${row.chain_no} (entry ${row.key ?? "that is gone"})`;
        if (BigInt(row.chain_no) !== next) differences.push(`${said}: link ${next} is missing before it`);
        const hash = sha256(field(before) + entryText(row));
        if (hash !== row.hash)
          differences.push(`${said}: says ${row.hash}, its entry and the link before ${hash}`);
        // From the stored one on: otherwise one change would show at every later link.
        before = row.hash;
        next = BigInt(row.chain_no) + 1n;
      }
      if (differences.length >= DIFFERENCES_MAX) break;
    }
    return differences.slice(0, DIFFERENCES_MAX);
  },
};

function entryText({ fields, postings }: LinkRow): string {
  return [...fields, ...(postings ?? [])].map(field).join("");
}

async function* linkRows(sql: Sql): AsyncGenerator<LinkRow[]> {
  for (let after = "0"; ; ) {
    const rows = await sql<LinkRow[]>`
      SELECT l.chain_no::text, l.hash, e.key, ARRAY[e.key, e.kind, e.currency, e.period::text,
          to_char(e.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.detail::text, coalesce(e.corrects, ''),
          e.postings::text] AS fields,
        (SELECT array_agg(x.part ORDER BY p.position, x.place)
         FROM posting p JOIN ledger_account a USING (account_no)
         CROSS JOIN LATERAL (VALUES (1, a.path), (2, p.amount_nanos::text)) AS x(place, part)
         WHERE p.entry_no = l.entry_no) AS postings
      FROM chain_link l LEFT JOIN journal_entry e USING (entry_no)
      WHERE l.chain_no > ${after} ORDER BY l.chain_no LIMIT ${ROWS_AT_ONCE}`;
    if (rows.length === 0) return;
    yield rows;
    after = rows.at(-1)?.chain_no ?? after;
  }
}

export const everythingChained = sqlCheck(
  "every entry of a sealed period, and of every transaction that was over, is in the chain, marked where it came late to a seal",
  `SELECT format('entry %s: not in the chain', e.key) AS difference FROM journal_entry e
   WHERE NOT EXISTS (SELECT FROM chain_link l WHERE l.entry_no = e.entry_no)
     AND (e.period IN (SELECT period FROM seal) OR e.xid::bigint < (SELECT complete_until_xid FROM chain_state))
   UNION ALL
   SELECT format('link %s (entry %s): late %s, seals say %s', l.chain_no, e.key, l.late, x.late)
   FROM chain_link l JOIN journal_entry e USING (entry_no) CROSS JOIN LATERAL (
     SELECT e.created_at <= coalesce(max(s.sealed_at), '-infinity') AS late FROM seal s WHERE s.chain_no < l.chain_no) x
   WHERE l.late <> x.late`,
);

export const sealsFromChain = sqlCheck(
  "every seal is a link of the chain, with the balances that its snapshot and all postings up to it come to",
  `WITH total AS (
     SELECT s.period, s.chain_no, a.path, e.currency, sum(p.amount_nanos) AS nanos
     FROM seal s JOIN chain_link l ON l.chain_no <= s.chain_no JOIN journal_entry e USING (entry_no)
     JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
     GROUP BY 1, 2, 3, 4 HAVING sum(p.amount_nanos) <> 0
   )
   SELECT format('seal of %s: link %s says %s, the seal %s', s.period, s.chain_no, l.hash, s.hash) AS difference
   FROM seal s LEFT JOIN chain_link l USING (chain_no) WHERE s.hash <> coalesce(l.hash, '')
   UNION ALL
   SELECT format('seal of %s: its trial balance is not that of the postings', s.period) FROM seal s
   WHERE s.trial_balance_hash <> (
     SELECT encode(sha256(convert_to(coalesce(string_agg(octet_length(path) || ':' || path || octet_length(currency) || ':' || currency
       || octet_length(nanos::text) || ':' || nanos, '' ORDER BY path COLLATE "C", currency COLLATE "C"), ''), 'UTF8')), 'hex')
     FROM total t WHERE t.period = s.period)
   UNION ALL
   SELECT format('balance snapshot at link %s, account %s %s: stored %s, postings say %s', chain_no, path, currency, b.balance_nanos, t.nanos)
   FROM (SELECT chain_no, path, currency, balance_nanos FROM balance_snapshot JOIN ledger_account USING (account_no)) b
   FULL JOIN (SELECT DISTINCT chain_no, path, currency, nanos FROM total) t USING (chain_no, path, currency)
   WHERE b.balance_nanos IS DISTINCT FROM t.nanos
   UNION ALL
   SELECT format('seal of %s: sealed at %s, before its entry %s', s.period, s.sealed_at, min(e.key)) FROM seal s
   JOIN chain_link l ON l.chain_no <= s.chain_no JOIN journal_entry e USING (entry_no)
   WHERE e.created_at > s.sealed_at GROUP BY s.period, s.sealed_at
   UNION ALL
   SELECT format('period %s is not sealed although a later one is', s.period) FROM settlement s
   WHERE s.period < (SELECT max(period) FROM seal) AND s.period NOT IN (SELECT period FROM seal)`,
);

/** Whether the seals that were kept elsewhere are still what the chain says. */
export function sealsKept(kept: SealExport): Check {
  return {
    law: "the seals that were kept elsewhere are still in the chain",
    async find(sql) {
      const links = kept.seals.map(({ period, chain_no, hash }) => ({
        name: `seal of ${period}`,
        chain_no,
        hash,
      }));
      if (kept.head !== null) links.push({ name: "head", ...kept.head });
      const numbers = links.map(({ chain_no }) => chain_no);
      const rows = await sql<{ chain_no: string; hash: string }[]>`
        SELECT chain_no::text, hash FROM chain_link WHERE chain_no = ANY (${numbers}::text[]::bigint[])`;
      const found = new Map(rows.map(({ chain_no, hash }) => [chain_no, hash]));
      return links
        .filter(({ chain_no, hash }) => (found.get(chain_no) ?? "") !== hash)
        .map(
          ({ name, chain_no, hash }) =>
            `${name}: kept ${hash} at link ${chain_no}, found ${found.get(chain_no) ?? "none"}`,
        );
    },
  };
}
