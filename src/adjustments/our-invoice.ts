import type { Sql } from "../postgres/index.ts";

/** Our invoice under the provider's name for it; undefined when it is none of ours. */
export async function ourInvoice(sql: Sql, providerId: string | null): Promise<string | undefined> {
  if (providerId === null) return undefined;
  const [row] = await sql<{ id: string }[]>`
    SELECT invoice_id AS id FROM invoice_push WHERE provider_id = ${providerId}`;
  return row?.id;
}
