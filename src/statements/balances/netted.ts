import type { Nanos } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";

/** What close has netted of a payee's earnings, by currency. */
export async function nettedSoFar(sql: Sql, payee: string): Promise<Map<string, Nanos>> {
  const rows = await sql<{ currency: string; nanos: string }[]>`
    SELECT currency, sum(amount_nanos)::text AS nanos FROM netting WHERE payee = ${payee} GROUP BY 1`;
  return new Map(rows.map(({ currency, nanos }) => [currency, BigInt(nanos)]));
}

/**
 * What customers linked to a payee used in these books periods and is to be netted, as far as it is summed, by currency: nothing in
 * periods whose earnings wait until customers have paid.
 */
export async function usageToNet(
  sql: Sql,
  payee: string,
  periods: readonly string[],
): Promise<Map<string, Nanos>> {
  const rows = await sql<{ currency: string; nanos: string }[]>`
    SELECT u.currency, sum(u.owed_nanos)::text AS nanos
    FROM unnest(${periods as string[]}::date[]) AS p(period) CROSS JOIN LATERAL usage_to_net(p.period, ${payee}) u
    WHERE (release_rule_of(p.period)).rule <> 'on_payment' GROUP BY 1`;
  return new Map(rows.map(({ currency, nanos }) => [currency, BigInt(nanos)]));
}
