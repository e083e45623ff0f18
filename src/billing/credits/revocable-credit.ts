import type { Nanos } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { countSpend } from "../spend/count-spend.ts";
import type { CreditKind } from "./credit.ts";

export interface RevocableCredit {
  customer: string;
  currency: string;
  kind: CreditKind;
  /** What is left of it and no usage needs that is not invoiced yet. */
  nanos: Nanos;
}

/** What can be taken back of a grant now, with everything metered counted first; undefined when there is no such grant. */
export async function revocableCredit(sql: Sql, id: string): Promise<RevocableCredit | undefined> {
  await countSpend(sql);
  const [row] = await sql<(Omit<RevocableCredit, "nanos"> & { nanos: string })[]>`
    SELECT g.customer, g.currency, g.kind, u.unneeded::text AS nanos
    FROM credit_grant g CROSS JOIN LATERAL unneeded_credits(ARRAY[g.customer]) u WHERE g.id = ${id} AND u.grant_id = g.id`;
  return row === undefined ? undefined : { ...row, nanos: BigInt(row.nanos) };
}
