import { fromMinor, type Nanos, Refusal } from "../../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../../postgres/index.ts";
import type { ProviderRecord } from "../provider-record.ts";

/**
 * Books a reversal that happened at the provider, by an operator's decision: the payee has the money to come again, and
 * the next settlement plans it. Once per reversal; repeated, it answers the same.
 * @throws Refusal not_found, reversal_not_bookable; ProviderUnavailable
 */
export async function bookReversal(
  sql: Sql,
  provider: ProviderRecord,
  { payout, reversal, by }: { payout: string; reversal: string; by: string },
): Promise<{ amountNanos: Nanos }> {
  const [ours] = await sql<{ currency: string; transferId: string | null }[]>`
    SELECT currency, transfer_id AS "transferId" FROM payout WHERE id = ${payout}`;
  if (ours === undefined) throw new Refusal("not_found", `there is no payout ${payout}`);
  if (ours.transferId === null)
    throw new Refusal(
      "reversal_not_bookable",
      `${payout} is not paid: pay first, which looks up what became of it`,
    );
  const transfer = await provider.transferById(ours.transferId);
  const found = transfer?.reversals.find(({ id }) => id === reversal);
  if (found === undefined)
    throw new Refusal("not_found", `Stripe has no reversal ${reversal} of ${ours.transferId}`);
  const amountNanos = fromMinor(ours.currency, found.amountMinor);
  await sql`SELECT book_payout_reversal(${payout}, ${reversal}, ${String(amountNanos)}, ${by})`.catch(
    (error: unknown) => {
      if (refusedByDatabase(error)?.code !== "reversal_not_bookable") throw error;
      throw new Refusal(
        "reversal_not_bookable",
        `${reversal} is booked otherwise already, or more than ${payout} paid: reconcile the month and look`,
      );
    },
  );
  return { amountNanos };
}
