import type { Sql } from "../postgres/index.ts";

export interface NewAuditEntry {
  principal: string;
  role: string;
  session: string | null;
  requestId: string;
  /** "PUT /payees/{id}" */
  route: string;
  target: string;
  status: number;
  /** Why it was refused; null when it was done. */
  code: string | null;
  /** JSON without secrets; undefined where there is none. */
  before: unknown;
  asked: unknown;
  after: unknown;
}

/** Adds an entry at the end of the chain; entries are added one after the other, so never where there are thousands a second. */
export async function appendAudit(sql: Sql, entry: NewAuditEntry): Promise<void> {
  await sql`
    SELECT append_audit(${entry.principal}, ${entry.role}, ${entry.session}, ${entry.requestId}, ${entry.route},
      ${entry.target}, ${entry.status}, ${entry.code}, ${json(entry.before)}::text::jsonb, ${json(entry.asked)}::text::jsonb,
      ${json(entry.after)}::text::jsonb)`;
}

function json(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}

export interface AuditEntry {
  entry: string;
  at: string;
  principal: string;
  role: string;
  session: string | null;
  request_id: string;
  route: string;
  target: string;
  status: number;
  code: string | null;
  before: unknown;
  asked: unknown;
  after: unknown;
  hash: string;
}

/** An entry as it stands in a list: with what was asked and what came of it only where that is wanted. */
export type ListedAuditEntry = Omit<AuditEntry, Documents> & Partial<Pick<AuditEntry, Documents>>;
type Documents = "before" | "asked" | "after";

export interface AuditFilter {
  principal?: string | undefined;
  /** What the target contains: an id, say. */
  about?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  outcome?: "done" | "refused" | undefined;
  /** The number of the last one already seen. */
  before?: string | undefined;
  documents: "all" | "none";
  limit: number;
}

const COLUMNS = `entry_no::text AS entry, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, principal, role,
  session, request_id, route, target, status, code, hash`;

/** One entry, whole. */
export async function findAudit(sql: Sql, entry: string): Promise<AuditEntry | undefined> {
  const rows = await sql<AuditEntry[]>`
    SELECT ${sql.unsafe(COLUMNS)}, before, asked, after FROM audit_entry WHERE entry_no = ${entry}`;
  return rows[0];
}

/** The newest first. */
export async function listAudit(sql: Sql, filter: AuditFilter): Promise<ListedAuditEntry[]> {
  const { principal = null, about = null, from = null, to = null, outcome = null, before = null } = filter;
  return sql<ListedAuditEntry[]>`
    SELECT ${sql.unsafe(COLUMNS)} ${filter.documents === "all" ? sql`, before, asked, after` : sql``}
    FROM audit_entry
    WHERE (${before}::bigint IS NULL OR entry_no < ${before}) AND (${principal}::text IS NULL OR principal = ${principal})
      AND (${about}::text IS NULL OR strpos(target, ${about}) > 0)
      AND (${from}::timestamptz IS NULL OR at >= ${from}) AND (${to}::timestamptz IS NULL OR at < ${to})
      AND (${outcome}::text IS NULL OR (code IS NULL) = (${outcome} = 'done'))
    ORDER BY entry_no DESC LIMIT ${filter.limit}`;
}
