import { type Money, money } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";

export interface KeptEvent {
  id: string;
  type: string;
  account: string | null;
  about: string;
  livemode: boolean;
  occurredAt: Date;
  receivedAt: Date;
  state: string;
  outcome: string | null;
  attempts: number;
  nextTryAt: Date | null;
}

export interface EventFilter {
  id?: string | undefined;
  state?: string | undefined;
  type?: string | undefined;
  /** Only what came before this event. */
  before?: string | undefined;
  limit: number;
}

/** What the provider told, newest first. */
export async function listEvents(
  sql: Sql,
  { id, state, type, before, limit }: EventFilter,
): Promise<KeptEvent[]> {
  return sql<KeptEvent[]>`
    SELECT id, type, account, about, livemode, occurred_at AS "occurredAt", received_at AS "receivedAt", state, outcome,
      attempts, CASE WHEN state = 'waiting' THEN next_try_at END AS "nextTryAt"
    FROM provider_event
    WHERE (${id ?? null}::text IS NULL OR id = ${id ?? null})
      AND (${state ?? null}::text IS NULL OR state = ${state ?? null})
      AND (${type ?? null}::text IS NULL OR type = ${type ?? null})
      AND (${before ?? null}::text IS NULL
        OR (received_at, id) < (SELECT b.received_at, b.id FROM provider_event b WHERE b.id = ${before ?? null}))
    ORDER BY received_at DESC, id DESC LIMIT ${limit}`;
}

export interface KeptBankPayout {
  id: string;
  amount: Money;
  status: string;
  failure: string | null;
  createdAt: Date;
  updatedAt: Date;
}

/** What an account sent on to its bank, newest first. */
export async function listBankPayouts(
  sql: Sql,
  account: string,
  { limit, before }: { limit: number; before?: { micros: string; id: string } | undefined },
): Promise<(KeptBankPayout & { micros: string })[]> {
  const rows = await sql<
    (Omit<KeptBankPayout, "amount"> & { currency: string; nanos: string; micros: string })[]
  >`
    SELECT epoch_micros(created_at)::text AS micros, id, currency, amount_nanos::text AS nanos, status, failure, created_at AS "createdAt", updated_at AS "updatedAt"
    FROM bank_payout WHERE account = ${account}
      AND (${before === undefined} OR (epoch_micros(created_at), id) < (${before?.micros ?? "0"}::bigint, ${before?.id ?? ""}))
    ORDER BY created_at DESC, id DESC LIMIT ${limit}`;
  return rows.map(({ currency, nanos, ...row }) => ({ ...row, amount: money(currency, BigInt(nanos)) }));
}
