import { firstDay, type Period } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { type Rate, rateKey } from "./convert.ts";
import type { PayeeSituation, Schedule } from "./obstacles.ts";
import type { Candidate } from "./plan-settlement.ts";

export interface AccountReadiness {
  transfersEnabled: boolean;
  disabledReason: string | null;
}

interface CandidateRow {
  payee: string;
  currency: string;
  payable: string;
  committed: string;
  on_hold: string | null;
  on_hold_until: string | null;
  paid_in: string;
  minimum: string;
  frozen: string | null;
  schedule: Schedule;
  tax_form_missing: PayeeSituation["taxFormMissing"];
  last_paid: string | null;
  account: string | null;
  account_change: Candidate["accountChange"];
}

/** Every settled balance that is not zero. What is on hold is so as of now. */
export async function readCandidates(
  sql: Sql,
  period: Period,
  readiness: (accounts: string[]) => Promise<Map<string, AccountReadiness>>,
): Promise<Candidate[]> {
  const balances = await sql<CandidateRow[]>`
    SELECT b.payee, b.currency, b.payable::text, p.stripe_account AS account, t.schedule, h.nanos::text AS on_hold,
      h.until::text AS on_hold_until, x.paid_in, m.minimum_nanos::text AS minimum, f.missing AS tax_form_missing,
      (SELECT z.reason FROM payee_freeze z WHERE z.payee = b.payee AND z.lifted_at IS NULL) AS frozen,
      (SELECT o.amount_nanos::text FROM payout o WHERE o.payee = b.payee AND o.currency = x.paid_in AND o.state = 'paid'
       ORDER BY o.period DESC LIMIT 1) AS last_paid,
      (SELECT jsonb_build_object('lastAccount', c.last_account, 'setBy', c.set_by,
         'setOn', (c.set_at AT TIME ZONE 'UTC')::date::text) FROM changed_account_of(b.payee) c) AS account_change,
      (SELECT coalesce(sum(o.amount_nanos), 0)::text FROM payout o
       WHERE o.payee = b.payee AND o.currency = b.currency AND o.state = 'approved') AS committed
    FROM (SELECT a.owner AS payee, b.currency, -b.balance_nanos AS payable
          FROM account_balance b JOIN ledger_account a USING (account_no)
          WHERE a.kind = 'payee:payable' AND b.balance_nanos <> 0) b
    JOIN payee p ON p.id = b.payee
    CROSS JOIN LATERAL payout_terms_of(b.payee) t
    CROSS JOIN LATERAL (SELECT coalesce(t.payout_currency, b.currency) AS paid_in) x
    CROSS JOIN LATERAL minimum_payout_of(b.payee, x.paid_in) m
    LEFT JOIN LATERAL on_hold_of(b.payee, b.currency, t.hold_days, now()) h ON true
    LEFT JOIN LATERAL tax_form_missing_of(b.payee, ${firstDay(period)}) f ON true`;
  const accounts = [...new Set(balances.flatMap((row) => row.account ?? []))];
  const ready = await readiness(accounts);
  return balances.map((row) => ({
    payee: row.payee,
    currency: row.currency,
    payableNanos: BigInt(row.payable),
    committedNanos: BigInt(row.committed),
    onHoldNanos: BigInt(row.on_hold ?? 0),
    onHoldUntil: row.on_hold_until,
    paidIn: row.paid_in,
    minimumNanos: BigInt(row.minimum),
    frozen: row.frozen,
    schedule: row.schedule,
    taxFormMissing: row.tax_form_missing,
    lastPaidNanos: row.last_paid === null ? null : BigInt(row.last_paid),
    account: row.account,
    accountChange: row.account_change,
    transfersEnabled: row.account !== null && (ready.get(row.account)?.transfersEnabled ?? false),
    disabledReason: row.account === null ? null : (ready.get(row.account)?.disabledReason ?? null),
  }));
}

/** Those in force at the period's end, for the currencies that somebody is paid in instead of another. */
export async function readRates(
  sql: Sql,
  period: Period,
  candidates: readonly Pick<Candidate, "currency" | "paidIn">[],
): Promise<Map<string, Rate>> {
  const pairs = new Map(
    candidates
      .filter(({ currency, paidIn }) => currency !== paidIn)
      .map(({ currency, paidIn }) => [rateKey(currency, paidIn), { currency, paidIn }]),
  );
  if (pairs.size === 0) return new Map();
  const from = [...pairs.values()].map(({ currency }) => currency);
  const to = [...pairs.values()].map(({ paidIn }) => paidIn);
  const rows = await sql<{ from: string; to: string; rateNo: number; rate: string; source: string }[]>`
    SELECT r.from_currency AS "from", r.to_currency AS "to", r.rate_no AS "rateNo", trim_scale(r.rate)::text AS rate, r.source
    FROM unnest(${from}::text[], ${to}::text[]) AS p(f, t) CROSS JOIN LATERAL fx_rate_of(p.f, p.t, ${firstDay(period)}) r`;
  return new Map(rows.map(({ from, to, ...rate }) => [rateKey(from, to), rate]));
}
