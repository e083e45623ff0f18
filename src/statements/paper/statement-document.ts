import { firstDay, type Money, money, present } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { Statement } from "../../settlement/index.ts";

/** Somebody on a document, as the tax office knows them. */
export interface Party {
  name: string;
  addressLines: string[];
  taxId: string | null;
}

/** What moved a payee's balance in a month besides what it earned. */
export interface Movement {
  kind: "adjustment" | "netted" | "held" | "released" | "converted" | "paid";
  /** The day it was booked. */
  day: string;
  /** What it was: a payout's id, the customer whose usage it paid, or the entry's kind with its reason. */
  what: string;
  /** The entry that it takes back, or the month that it changes, if it names one. */
  corrects: string | null;
  /** What it adds to the balance. */
  amount: Money;
}

/** A statement with everything that its documents show: all of it fixed when its month was closed. */
export interface StatementDocument<S = Statement> {
  statement: S;
  payee: Party & { id: string; country: string };
  /** The day on which a mistake in the payee's legal details was mended; null when they are as at the close. */
  correctedOn: string | null;
  /** RFC 3339. */
  closedAt: string;
  movements: Movement[];
}

/** Reads what the documents of a payee's statements need, in their order. */
export async function statementDocuments<S extends Pick<Statement, "period" | "currency">>(
  sql: Sql,
  payee: string,
  statements: readonly S[],
): Promise<StatementDocument<S>[]> {
  const periods = statements.map((statement) => firstDay(statement.period));
  const [parties, movements] = [
    await partiesAtClose(sql, payee, periods),
    await movementsOf(sql, payee, periods),
  ];
  return statements.map((statement) => {
    const { closed_at, id, country, name, legal_name, address, tax_id, corrected_on } = present(
      parties.get(firstDay(statement.period)),
      "the statement's payee",
    );
    const addressLines = address?.split("\n") ?? [];
    return {
      statement,
      payee: { id, country, name: legal_name ?? name, addressLines, taxId: tax_id },
      correctedOn: corrected_on,
      closedAt: closed_at,
      movements: movements
        .filter(
          ({ period, currency }) => period === firstDay(statement.period) && currency === statement.currency,
        )
        .map(toMovement),
    };
  });
}

interface PartyRow {
  period: string;
  closed_at: string;
  id: string;
  country: string;
  name: string;
  legal_name: string | null;
  address: string | null;
  tax_id: string | null;
  corrected_on: string | null;
}

/** Of a payee's names k: the last one given by then, or else the first that came. */
export const nameAt = (sql: Sql, then: ReturnType<Sql>) =>
  sql`ORDER BY k.given_at > ${then}, CASE WHEN k.given_at > ${then} THEN payee_name_no ELSE -payee_name_no END LIMIT 1`;

/** With the name, country and legal details that held when each month was closed; mistakes in them as they were mended. */
async function partiesAtClose(sql: Sql, payee: string, periods: string[]): Promise<Map<string, PartyRow>> {
  const rows = await sql<PartyRow[]>`
    SELECT s.period::text, p.id, coalesce(n.country, p.country) AS country, coalesce(n.name, p.name) AS name,
      l.name AS legal_name, l.address, l.tax_id,
      CASE WHEN l.corrects IS NOT NULL THEN (l.given_at AT TIME ZONE 'UTC')::date::text END AS corrected_on,
      to_char(coalesce(s.closed_at, s.cut_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS closed_at
    FROM settlement s JOIN payee p ON p.id = ${payee}
    LEFT JOIN LATERAL (SELECT * FROM payee_legal WHERE payee = p.id AND legal_version_at(p.id, s.closed_at) IN (payee_legal_no, corrects)
      ORDER BY payee_legal_no DESC LIMIT 1) l ON true
    LEFT JOIN LATERAL (SELECT * FROM payee_name k WHERE k.payee = p.id ${nameAt(sql, sql`s.closed_at`)}) n ON true
    WHERE s.period = ANY (${periods}::date[])`;
  return new Map(rows.map((row) => [row.period, row]));
}

interface MovementRow {
  period: string;
  currency: string;
  kind: string;
  day: string;
  payout: string | null;
  models: string | null;
  customer: string | null;
  reason: string | null;
  corrects: string | null;
  amount: string;
}

/** As statement_figures() tells them apart; a payout's parts (sent, came back, sent again) are one movement. */
async function movementsOf(sql: Sql, payee: string, periods: string[]): Promise<MovementRow[]> {
  return sql<MovementRow[]>`
    SELECT period::text, currency, min(day)::text AS day, kind, payout, customer, models, reason, corrects, (-sum(amount_nanos))::text AS amount
    FROM (
      SELECT e.entry_no, e.period, e.currency, (e.created_at AT TIME ZONE 'UTC')::date AS day, p.amount_nanos,
        CASE WHEN e.kind IN ('payout_sent', 'payout_returned', 'payout_reversed') THEN 'paid' ELSE e.kind END AS kind,
        CASE WHEN e.kind LIKE 'payout%' THEN e.detail->>'payout' END AS payout,
        CASE WHEN e.kind = 'netting' THEN split_part(split_part(e.key, ':', 3), '/', 2) END AS customer,
        CASE WHEN e.kind NOT LIKE 'payout%' THEN e.detail->>'reason' END AS reason,
        coalesce(e.corrects, to_char(j.corrects, 'YYYY-MM')) AS corrects,
        (SELECT string_agg(DISTINCT format('%s %s', m.id, to_char(x.service_month, 'YYYY-MM')), ', ')
         FROM adjustment_part x JOIN model m USING (model_no) WHERE x.adjustment_no = j.adjustment_no AND x.payee = ${payee}) AS models,
        CASE WHEN e.kind LIKE 'payout%' THEN 0 ELSE e.entry_no END AS apart
      FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
      LEFT JOIN adjustment j ON j.id = e.detail->>'adjustment'
      WHERE e.period = ANY (${periods}::date[]) AND a.path = ${`payee:${payee}:payable`} AND e.kind <> 'release') x
    GROUP BY period, currency, kind, payout, customer, models, reason, corrects, apart HAVING sum(amount_nanos) <> 0
    ORDER BY period, currency, min(entry_no)`;
}

const MOVES: Record<string, Movement["kind"]> = {
  paid: "paid",
  netting: "netted",
  hold: "held",
  reserve: "held",
  hold_released: "released",
  reserve_released: "released",
  dispute_held: "held",
  dispute_released: "released",
  conversion: "converted",
};

function toMovement({
  kind,
  day,
  payout,
  models,
  customer,
  reason,
  corrects,
  amount,
  currency,
}: MovementRow): Movement {
  const usage = customer === null ? null : `usage as customer ${customer}`;
  const what =
    payout ??
    usage ??
    [[kind.replaceAll("_", " "), models].filter((part) => part !== null).join(" of "), reason]
      .filter((part) => part !== null)
      .join(": ");
  return {
    kind: MOVES[kind] ?? "adjustment",
    day,
    what,
    corrects,
    amount: money(currency, BigInt(amount)),
  };
}
