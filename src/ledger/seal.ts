import { firstDay, formatInstant, type Instant, type Nanos, type Period } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";

const ENTRIES_PER_CALL = 5_000;

/** Chains whatever can be chained by now: entries of a transaction that still runs, or is younger than one, come later. */
export async function extendChain(sql: Sql): Promise<void> {
  for (;;) {
    const [row] = await sql<[{ chained: number }]>`SELECT extend_chain(${ENTRIES_PER_CALL}) AS chained`;
    if (row.chained < ENTRIES_PER_CALL) return;
  }
}

/**
 * Seals a closed period, and those before it. False while some transaction that began before the period's last entry has
 * not ended.
 */
export async function sealPeriod(sql: Sql, period: Period): Promise<boolean> {
  await sealClosedPeriods(sql);
  const [row] = await sql<[{ sealed: boolean }]>`SELECT seal_period(${firstDay(period)}) AS sealed`;
  return row.sealed;
}

/** Extends the chain, and seals every closed period that is not sealed yet, the oldest first. */
export async function sealClosedPeriods(sql: Sql): Promise<void> {
  await extendChain(sql);
  await sql`
    SELECT seal_period(period) FROM (
      SELECT period FROM settlement WHERE state NOT IN ('closing', 'released') AND period NOT IN (SELECT period FROM seal)
      ORDER BY period) x`;
}

/** What to keep elsewhere: who holds it can tell whether anything before it was changed since. */
export interface SealExport {
  /** The chain's last link; null when nothing was ever booked. */
  head: ChainHead | null;
  seals: (ChainHead & { period: string; trial_balance_hash: string; sealed_at: string })[];
}

interface ChainHead {
  chain_no: string;
  /** SHA-256, hexadecimal. */
  hash: string;
}

export async function exportSeals(sql: Sql): Promise<SealExport> {
  await extendChain(sql);
  const [head = null] = await sql<ChainHead[]>`
    SELECT chain_no::text, hash FROM chain_link ORDER BY chain_no DESC LIMIT 1`;
  const seals = await sql<SealExport["seals"]>`
    SELECT to_char(period, 'YYYY-MM') AS period, chain_no::text, hash, trial_balance_hash,
      to_char(sealed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS sealed_at
    FROM seal ORDER BY period`;
  return { head, seals: [...seals] };
}

/** What an account held at a moment: debit positive. Reads the last seal before, and what was booked between the two. */
export async function balanceAsOf(sql: Sql, path: string, currency: string, at: Instant): Promise<Nanos> {
  const [row] = await sql<[{ nanos: string }]>`
    SELECT balance_as_of(${path}, ${currency}, ${formatInstant(at)}::text::timestamptz)::text AS nanos`;
  return BigInt(row.nanos);
}

/** The trial balance as of a moment: what every account held, debit positive, those with nothing left out. Adds up to zero. */
export async function trialBalanceAsOf(
  sql: Sql,
  at: Instant,
): Promise<{ path: string; currency: string; nanos: Nanos }[]> {
  const rows = await sql<{ path: string; currency: string; nanos: string }[]>`
    SELECT a.path, b.currency, b.balance_nanos::text AS nanos
    FROM balances_as_of(${formatInstant(at)}::text::timestamptz) b JOIN ledger_account a USING (account_no)
    WHERE b.balance_nanos <> 0 ORDER BY a.path, b.currency`;
  return rows.map(({ path, currency, nanos }) => ({ path, currency, nanos: BigInt(nanos) }));
}
